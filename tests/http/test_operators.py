"""What operators do by the helper API, as clients and users see it afterwards."""

import pytest

from actor_oauth.actors.authorization_server import NewClient
from actor_oauth.oauth.client_lifecycle import ClientState
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope
from tests.http.deployment import (
    ISSUER,
    USER,
    WEB_CALLBACK,
    Deployment,
)

RESOURCE = f"{ISSUER}/mcp"


async def introspected(deployment: Deployment, client_id: str, secret: str) -> int:
    form = {"client_id": client_id, "client_secret": secret, "token": "x"}
    return (await deployment.post("/introspect", form)).status_code


@pytest.mark.requirement("B-35", "E-07")
async def test_a_new_secret_takes_over_when_it_is_first_used(
    deployment: Deployment,
) -> None:
    server = deployment.server
    client = await deployment.resource_server()
    client_id, old = client["client_id"], client["client_secret"]
    new = await server.rotate_client_secret(client_id)
    assert new is not None
    assert await introspected(deployment, client_id, old) == 200
    assert await introspected(deployment, client_id, new) == 200
    assert await introspected(deployment, client_id, old) == 401
    assert await introspected(deployment, client_id, new) == 200
    public = await deployment.register()
    assert await server.rotate_client_secret(public["client_id"]) is None
    assert await server.rotate_client_secret("nobody") is None


async def test_a_changed_client_asks_by_its_new_registration(
    deployment: Deployment,
) -> None:
    server = deployment.server
    client = await deployment.register()
    tokens = (await deployment.redeem(client, await deployment.code(client))).json()
    changed = await server.update_client(
        client["client_id"],
        client_name="Other",
        redirect_uris=["https://new.example/cb"],
        scope=Scope(("notes:read",)),
    )
    assert isinstance(changed, Client)
    assert changed.client_name == "Other"
    answer = await deployment.browser().get(deployment.authorize_url(client))
    assert answer.status_code == 400
    # What was granted stays granted.
    assert await server.validate_token(RESOURCE, tokens["access_token"]) is not None
    refused = await server.update_client("nobody", client_name="x")
    assert refused == Refused(Reason.CLIENT_UNKNOWN)


@pytest.mark.requirement("H-08", "B-36", "G-14")
async def test_disabling_a_client_ends_what_was_granted_to_it(
    deployment: Deployment,
) -> None:
    server = deployment.server
    client = await deployment.register()
    client_id = client["client_id"]
    tokens = (await deployment.redeem(client, await deployment.code(client))).json()
    assert await server.set_client_disabled(client_id, disabled=True)
    assert await server.validate_token(RESOURCE, tokens["access_token"]) is None
    status = await server.client_status(client_id)
    assert status is not None
    assert status.state is ClientState.DISABLED
    assert not await server.set_client_disabled(client_id, disabled=True)
    assert await server.set_client_disabled(client_id, disabled=False)
    assert await server.validate_token(RESOURCE, tokens["access_token"]) is None
    assert await deployment.code(client)
    assert await server.client_status("nobody") is None


@pytest.mark.requirement("K-10", "H-08", "M-9", "G-14")
async def test_a_deleted_user_is_nobody_until_admitted_again(
    deployment: Deployment,
) -> None:
    server = deployment.server
    client = await deployment.register()
    browser = deployment.browser()
    page = await browser.consent_page(deployment.authorize_url(client))
    tokens = (await deployment.redeem(client, await deployment.code(client))).json()
    assert await server.delete_user(USER)
    assert not await server.delete_user(USER)
    assert await server.validate_token(RESOURCE, tokens["access_token"]) is None
    refreshed = await deployment.post(
        "/token",
        {
            "grant_type": "refresh_token",
            "client_id": client["client_id"],
            "refresh_token": tokens["refresh_token"],
        },
    )
    assert (refreshed.status_code, refreshed.json()["error"]) == (400, "invalid_grant")
    # The tab that was open answers nothing any more.
    assert (await browser.submit(page, decision="approve")).status_code == 403
    assert not await server.user_exists(USER)
    assert (await server.list_users()).entries == ()
    [event] = await server.audit_trail(USER)
    assert event.kind == "account_deleted"
    # Nor does an application bring the user back by the way.
    query = deployment.authorize_url(client).partition("?")[2]
    request = await server.parse_auth_request(query)
    answered = await server.complete_authorization(request, user_id=USER)  # type: ignore[arg-type]  # it is good
    assert getattr(answered, "reason", None) is Reason.ACCOUNT_DISABLED
    assert await server.readmit_user(USER)
    assert not await server.readmit_user(USER)
    assert await server.user_exists(USER)
    answered = await server.complete_authorization(request, user_id=USER)  # type: ignore[arg-type]  # likewise
    assert getattr(answered, "reason", None) is None


async def test_a_disabled_user_may_do_nothing(deployment: Deployment) -> None:
    server = deployment.server
    assert await server.set_user_disabled(USER, disabled=True)
    assert not await server.set_user_disabled(USER, disabled=True)
    assert await server.user_exists(USER)
    assert not isinstance(await server.log_in(USER, "x"), str)
    assert await server.set_user_disabled(USER, disabled=False)


async def test_a_service_client_is_changed_as_one(deployment: Deployment) -> None:
    server = deployment.server
    made = await server.create_service_client(
        client_name="Robot", scope=Scope(("notes:read",))
    )
    assert isinstance(made, NewClient)
    changed = await server.update_client(
        made.client.client_id, resources=[RESOURCE], scope=Scope(("notes:write",))
    )
    assert isinstance(changed, Client)
    assert changed.resources == (RESOURCE,)
    refused = await server.update_client(
        made.client.client_id, redirect_uris=[WEB_CALLBACK]
    )
    assert refused == Refused(Reason.CHANGE_UNFIT)


async def test_an_application_erases_its_own_state_before_a_user_is_deleted(
    deployment: Deployment,
) -> None:
    server, erased, works = deployment.server, list[str](), [False]

    async def erase(user_id: str) -> None:
        erased.append(user_id)
        if not works[0]:
            raise OSError("the other database is down")

    server.before_deletion(erase)
    with pytest.raises(OSError, match="is down"):
        await server.delete_user(USER)
    # Nothing is lost: it can be tried again.
    assert await server.user_exists(USER)
    works[0] = True
    assert await server.delete_user(USER)
    assert erased == [USER, USER]
