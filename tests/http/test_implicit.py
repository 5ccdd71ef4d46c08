"""The implicit grant over HTTP: absent while off, contained while on."""

from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from actor_oauth.actors.authorization_server import AuthorizationServer, NewClient
from actor_oauth.actors.callbacks import Callbacks, open_callbacks
from actor_oauth.http import HttpOptions
from actor_oauth.oauth.grants import ROUNDING
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext
from tests.http.deployment import (
    CHALLENGE,
    ISSUER,
    VERIFIER,
    WEB_CALLBACK,
    Deploy,
    Deployment,
    policy_for,
    read_page,
)
from tests.http.openid.signing_in import ask
from tests.http.test_jwt_access_tokens import claims_of, jwt_policy

RESOURCE = f"{ISSUER}/mcp"
ON = replace(policy_for(ISSUER), implicit_enabled=True)
REGISTERED: dict[str, Json] = {"grant_types": ["implicit"], "response_types": ["token"]}


@pytest.fixture
async def legacy(deploy: Deploy) -> AsyncIterator[Deployment]:
    """A deployment with the implicit grant."""
    async with deploy(policy=ON) as deployment:
        yield deployment


async def an_old_client(deployment: Deployment) -> dict[str, str]:
    return await deployment.register(grant_types=["implicit"], response_types=["token"])


def url_of(deployment: Deployment, client: dict[str, str], **parameters: str) -> str:
    return deployment.authorize_url(
        client,
        response_type="token",
        code_challenge=None,
        code_challenge_method=None,
        **parameters,
    )


async def allowed(
    deployment: Deployment, client: dict[str, str], **parameters: str
) -> tuple[httpx2.Response, str]:
    """The last page, and where it leads."""
    browser = deployment.browser()
    page = await browser.consent_page(url_of(deployment, client, **parameters))
    answer = await browser.submit(page, decision="approve")
    return answer, read_page(answer).refresh or ""


def fragment_of(url: str) -> dict[str, str]:
    found = parse_qs(urlsplit(url).fragment)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}


@pytest.mark.requirement("C-18", "A-04", "A-08")
async def test_a_registered_client_gets_a_token_in_the_fragment(
    legacy: Deployment,
) -> None:
    client = await an_old_client(legacy)

    _, url = await allowed(legacy, client, scope="notes:read offline_access")

    sent, _, _ = url.partition("#")
    assert sent == WEB_CALLBACK
    members = fragment_of(url)
    token = members.pop("access_token")
    assert members == {
        "token_type": "Bearer",
        "expires_in": "600",
        "scope": "notes:read",
        "state": "the state",
        "iss": ISSUER,
    }
    info = await legacy.server.validate_token(RESOURCE, token)
    assert info is not None
    assert (info.user_id, info.client_id) == ("ada", client["client_id"])


@pytest.mark.requirement("C-19", "J-03", "J-05", "J-12")
async def test_the_token_is_on_its_way_in_the_fragment_only(
    legacy: Deployment,
) -> None:
    """Nothing that a server, a log, a cache or a `Referer` header sees has it."""
    client = await an_old_client(legacy)

    page, url = await allowed(legacy, client)

    token = fragment_of(url)["access_token"]
    # No redirect follows the form: with 307 it would be sent on, password and all.
    assert page.status_code == 200
    assert "location" not in page.headers
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert token not in url.partition("#")[0]
    assert all(token not in value for value in page.headers.values())
    assert page.text.count(token) == 2  # of the refresh, and of the link beside it
    for source in read_page(page).sources:
        assert source.startswith("/static/"), source


@pytest.mark.requirement("C-19", "J-12")
async def test_a_redirect_at_once_leaks_no_more(deploy: Deploy) -> None:
    options = HttpOptions(auto_approve_user="ada")
    async with deploy(policy=ON, options=options) as deployment:
        client = await an_old_client(deployment)

        answer = await deployment.browser().get(url_of(deployment, client))

    assert answer.status_code == 302
    assert "access_token" in fragment_of(answer.headers["location"])
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content == b""


@pytest.mark.requirement("D-19", "D-24", "G-05")
async def test_it_is_short_lived_and_its_grant_ends_with_it(
    legacy: Deployment,
) -> None:
    client = await an_old_client(legacy)
    _, url = await allowed(legacy, client)
    token = fragment_of(url)["access_token"]

    legacy.clock.advance(600 + ROUNDING)

    assert await legacy.server.validate_token(RESOURCE, token) is None
    assert (await legacy.server.list_user_grants("ada")).grants == ()


@pytest.mark.requirement("H-05", "H-06")
async def test_it_is_revoked_as_any_other(legacy: Deployment) -> None:
    client = await an_old_client(legacy)
    _, url = await allowed(legacy, client)
    token = fragment_of(url)["access_token"]

    (grant,) = (await legacy.server.list_user_grants("ada")).grants
    await legacy.server.revoke_grant("ada", grant.grant_id)

    assert await legacy.server.validate_token(RESOURCE, token) is None


@pytest.mark.requirement("C-16", "C-18")
@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"scope": "unknown"}, "invalid_scope"),
        ({"resource": "https://evil.example"}, "invalid_target"),
        ({"response_mode": "query"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_an_error_is_where_the_client_looks(
    legacy: Deployment, parameters: dict[str, str], error: str
) -> None:
    made = await legacy.server.create_client(
        client_name="Old", redirect_uris=[WEB_CALLBACK], metadata=REGISTERED
    )
    assert isinstance(made, NewClient)
    client = {"client_id": made.client.client_id}

    answer = await legacy.browser().get(url_of(legacy, client, **parameters))

    url = answer.headers["location"]
    assert urlsplit(url).query == ""
    members = fragment_of(url)
    assert members["error"] == error
    assert (members["state"], members["iss"]) == ("the state", ISSUER)


@pytest.mark.requirement("C-16")
async def test_a_no_is_told_there_too(legacy: Deployment) -> None:
    client = await an_old_client(legacy)
    browser = legacy.browser()
    page = await browser.consent_page(url_of(legacy, client))

    answer = await browser.submit(page, decision="deny")

    assert fragment_of(read_page(answer).refresh or "")["error"] == "access_denied"


@pytest.mark.requirement("C-06")
async def test_a_client_for_codes_gets_no_token(legacy: Deployment) -> None:
    client = await legacy.register()

    answer = await legacy.browser().get(url_of(legacy, client))

    # Nobody is signed in: a client that registered itself is reached by a link.
    (link,) = read_page(answer).links[:1]
    assert fragment_of(link)["error"] == "unauthorized_client"


@pytest.mark.requirement("C-06", "A-08")
async def test_while_it_is_off_the_type_is_unknown(deployment: Deployment) -> None:
    client = await deployment.register()

    answer = await deployment.browser().get(url_of(deployment, client))

    (link,) = read_page(answer).links[:1]
    assert "error=unsupported_response_type" in link
    assert "#" not in link
    refused = await deployment.browser().http.post(
        "/register", json={"redirect_uris": [WEB_CALLBACK], **REGISTERED}
    )
    assert refused.status_code == 400


@pytest.mark.requirement("D-03")
async def test_the_token_endpoint_knows_no_such_grant(legacy: Deployment) -> None:
    client = await an_old_client(legacy)

    answer = await legacy.post(
        "/token", {"grant_type": "implicit", "client_id": client["client_id"]}
    )

    assert answer.json()["error"] == "unsupported_grant_type"


@pytest.mark.requirement("D-11")
async def test_a_resource_with_jwts_gets_one(deploy: Deploy) -> None:
    async with deploy(
        policy=replace(jwt_policy(), implicit_enabled=True)
    ) as deployment:
        client = await an_old_client(deployment)
        _, url = await allowed(deployment, client)
        token = fragment_of(url)["access_token"]

        assert claims_of(token)["sub"] == "ada"
        assert await deployment.server.validate_token(RESOURCE, token) is not None
        late = deployment.server._effects.keyring.with_signing_keys(())
        deployment.server.use_keyring(late)
        _, url = await allowed(deployment, client)
        assert fragment_of(url)["error"] == "server_error"


async def test_it_tells_who_somebody_is_without_an_id_token(deploy: Deploy) -> None:
    async with deploy(policy=replace(ON, openid_enabled=True)) as deployment:
        client = await an_old_client(deployment)
        _, url = await allowed(deployment, client, scope="openid")
        members = fragment_of(url)

        assert "id_token" not in members
        answer = await ask(deployment, members["access_token"])
        assert answer.json() == {"sub": "ada"}


@pytest.mark.requirement("C-27", "M-11")
async def test_it_may_be_pushed_and_is_answered_once(legacy: Deployment) -> None:
    client = await an_old_client(legacy)
    pushed = await legacy.post(
        "/par",
        {
            "client_id": client["client_id"],
            "response_type": "token",
            "redirect_uri": WEB_CALLBACK,
        },
    )
    assert pushed.status_code == 201, pushed.text
    query = (
        f"client_id={client['client_id']}&request_uri={pushed.json()['request_uri']}"
    )
    browser = legacy.browser()
    page = await browser.consent_page(f"{ISSUER}/authorize?{query}")

    first = await browser.submit(page, decision="approve")
    second = await browser.submit(page, decision="approve")

    assert "access_token" in fragment_of(read_page(first).refresh or "")
    assert second.status_code == 410


@pytest.mark.requirement("D-13", "D-15")
async def test_nothing_of_it_can_be_redeemed(legacy: Deployment) -> None:
    client = await legacy.register(
        grant_types=["authorization_code", "implicit"], response_types=["code", "token"]
    )
    _, url = await allowed(legacy, client, code_verifier=VERIFIER)

    answer = await legacy.redeem(client, fragment_of(url)["access_token"])

    assert answer.json()["error"] == "invalid_grant"
    code = await legacy.code(client, code_challenge=CHALLENGE)
    assert (await legacy.redeem(client, code)).status_code == 200


async def test_it_does_not_pass_by_the_applications_callback(
    legacy: Deployment,
) -> None:
    async def narrow(context: TokenContext) -> TokenChanges | None:
        return None

    effects = legacy.server._effects
    callbacks = Callbacks(on_token_exchange=narrow)
    async with open_callbacks(callbacks, entropy=effects.entropy) as runner:
        with pytest.raises(ValueError, match="on_token_exchange"):
            AuthorizationServer(
                system=effects.system,
                policy=effects.policy,
                keyring=effects.keyring,
                clock=effects.clock,
                entropy=effects.entropy,
                callbacks=runner,
            )
