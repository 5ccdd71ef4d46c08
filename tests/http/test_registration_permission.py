"""Who may register at all: by an initial access token, and by the application's word."""

from dataclasses import replace

import pytest
import trio

from actor_oauth.actors.callbacks import Callbacks, open_callbacks
from actor_oauth.actors.issuers import Issuers
from actor_oauth.actors.registrations import Registrations
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.wire import Reason, Refused
from actor_oauth.runtime import SystemEntropy
from tests.http.deployment import ISSUER, Deploy, Deployment, policy_for
from tests.http.registrations import MANAGED_POLICY, PATIENT, bearer, register

TOKEN_POLICY = replace(policy_for(ISSUER), registration_token_required=True)


@pytest.mark.requirement("B-21")
async def test_without_an_initial_access_token_nobody_registers(
    deploy: Deploy,
) -> None:
    async with deploy(policy=TOKEN_POLICY) as deployment:
        tokens = deployment.server.registrations
        good = await tokens.issue_initial_token("ci", uses=2)
        assert good is not None
        for header in (
            {},
            bearer("x"),
            bearer(good[:-1] + ("A" if good[-1] != "A" else "B")),
            bearer(good.replace("aoia_", "aoat_")),
            {"Authorization": f"Basic {good}"},
            {"Authorization": good},
        ):
            refused = await register(deployment, header)
            assert refused.status_code == 401
            assert refused.json()["error"] == "invalid_token"
            assert refused.headers["www-authenticate"].startswith("Bearer ")
        # What cannot be registered does not use it up.
        bad = await register(deployment, bearer(good), redirect_uris=[])
        assert bad.status_code == 400
        statuses = [
            (await register(deployment, bearer(good))).status_code for _ in range(3)
        ]
        assert statuses == [201, 201, 401]
        timed = await tokens.issue_initial_token("day", lifetime=86400)
        assert (await register(deployment, bearer(timed))).status_code == 201
        assert [token.label for token in await tokens.list_initial_tokens()] == ["day"]
        assert await tokens.revoke_initial_tokens("day") == 1
        assert (await register(deployment, bearer(timed))).status_code == 401


@pytest.mark.requirement("B-21")
async def test_of_many_who_use_the_last_use_of_a_token_one_registers(
    deploy: Deploy,
) -> None:
    async with deploy(policy=TOKEN_POLICY, options=PATIENT) as deployment:
        token = await deployment.server.registrations.issue_initial_token("x", uses=1)
        statuses: list[int] = []

        async def one() -> None:
            statuses.append((await register(deployment, bearer(token))).status_code)

        async with trio.open_nursery() as nursery:
            for _ in range(32):
                nursery.start_soon(one)
        assert sorted(statuses) == [201] + [401] * 31


@pytest.mark.requirement("B-24")
async def test_public_clients_may_be_kept_out(deploy: Deploy) -> None:
    closed = replace(policy_for(ISSUER), public_registration=False)
    async with deploy(policy=closed) as deployment:
        refused = await register(deployment)
        assert refused.status_code == 400
        assert refused.json()["error"] == "invalid_client_metadata"
        made = await register(
            deployment, token_endpoint_auth_method="client_secret_post"
        )
        assert made.status_code == 201


@pytest.mark.requirement("B-28")
async def test_a_software_statement_is_ignored_as_a_whole(
    deployment: Deployment,
) -> None:
    made = await register(deployment, software_statement="e30.e30.AA")
    assert made.status_code == 201
    assert "software_statement" not in made.json()
    assert made.json()["client_name"] == "First Name"


# The application's callback


async def _refuse(client: Client) -> Client | None:
    return None if "evil" in (client.client_name or "") else client


async def _reduce(client: Client) -> Client | None:
    return replace(client, grant_types=("authorization_code",), client_name="Vetted")


async def _widen(client: Client) -> Client | None:
    return replace(client, redirect_uris=("https://evil.example/cb",))


async def _fail(client: Client) -> Client | None:
    raise RuntimeError("no luck")


async def _hang(client: Client) -> Client | None:
    await trio.sleep_forever()
    raise AssertionError


@pytest.mark.parametrize(
    ("callback", "name", "expected"),
    [
        (_refuse, "good", None),
        (_refuse, "evil", Reason.CALLBACK_DENIED),
        (_reduce, "good", None),
        (_widen, "good", Reason.CALLBACK_FAILED),
        (_fail, "good", Reason.CALLBACK_FAILED),
        (_hang, "good", Reason.CALLBACK_BUSY),
    ],
)
async def test_the_application_has_a_say_about_who_registers(
    deploy: Deploy,
    callback: object,
    name: str,
    expected: Reason | None,
) -> None:
    callbacks = Callbacks(on_client_registration=callback, seconds=0.2)  # type: ignore[arg-type]  # one of those above
    body = (
        b'{"redirect_uris":["https://app.example/callback"],"client_name":"%s",'
        b'"grant_types":["authorization_code","refresh_token"]}' % name.encode()
    )
    async with (
        deploy(policy=MANAGED_POLICY) as deployment,
        open_callbacks(callbacks, entropy=SystemEntropy()) as runner,
    ):
        server = deployment.server
        ours = Registrations(
            server._effects,
            server._clients,
            server.refusals,
            Issuers(server._effects, None),
            runner,
        )
        answer = await ours.register(body)
        if expected is not None:
            assert answer == Refused(expected, answer.detail)  # type: ignore[union-attr]  # it is one
            clients, _ = await server.list_clients()
            assert clients == []
            return
        assert isinstance(answer, dict)
        # A replacement is asked about too, or it would be the way around.
        changed = body.replace(name.encode(), b"evil").replace(
            b"{", b'{"client_id":"%s",' % str(answer["client_id"]).encode(), 1
        )
        token = f"Bearer {answer['registration_access_token']}"
        client_id = str(answer["client_id"])
        second = await ours.replace(client_id, token, changed)
        if callback is _refuse:
            assert second == Refused(Reason.CALLBACK_DENIED)
        else:
            assert isinstance(second, dict)
            assert second["client_name"] == "Vetted"
            assert second["grant_types"] == ["authorization_code"]
