"""Client credentials over HTTP: asked, checked, revoked, and gone with the client."""

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from actor_oauth.actors.authorization_server import NewClient
from actor_oauth.oauth.scopes import Scope
from tests.http.deployment import ISSUER, Deploy, Deployment, policy_for

GRANT = {"grant_type": "client_credentials"}
RESOURCE = f"{ISSUER}/mcp"


@pytest.fixture
async def offering(deploy: Deploy) -> AsyncIterator[Deployment]:
    policy = replace(policy_for(ISSUER), client_credentials_enabled=True)
    async with deploy(policy=policy) as opened:
        yield opened


async def service(deployment: Deployment) -> NewClient:
    made = await deployment.server.create_service_client(
        client_name="Robot", scope=Scope(("notes:read",))
    )
    assert isinstance(made, NewClient)
    return made


def basic(client: NewClient) -> dict[str, str]:
    pair = f"{client.client.client_id}:{client.secret}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


@pytest.mark.requirement("D-33", "D-34", "D-04")
async def test_a_client_of_the_operator_gets_a_token_for_itself(
    offering: Deployment,
) -> None:
    robot = await service(offering)

    answer = await offering.post("/token", GRANT, **basic(robot))

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    members = answer.json()
    token = members.pop("access_token")
    assert members == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "notes:read",
        "resource": RESOURCE,
    }
    info = await offering.server.validate_token(RESOURCE, token)
    assert info is not None
    assert (info.principal, info.user_id) == ("client", robot.client.client_id)
    assert await offering.server.validate_token(f"{ISSUER}/other", token) is None


@pytest.mark.requirement("D-33", "H-10", "H-11", "H-01", "H-05")
async def test_its_token_is_introspected_and_revoked_as_any_other(
    offering: Deployment,
) -> None:
    robot, other = await service(offering), await service(offering)
    answer = await offering.post("/token", GRANT, **basic(robot))
    token = {"token": answer.json()["access_token"]}

    active = await offering.post("/introspect", token, **basic(robot))
    assert active.json()["active"] is True
    assert active.json()["sub"] == active.json()["client_id"]
    foreign = await offering.post("/revoke", token, **basic(other))
    assert foreign.status_code == 200
    still = await offering.post("/introspect", token, **basic(robot))
    assert still.json()["active"] is True

    assert (await offering.post("/revoke", token, **basic(robot))).status_code == 200
    dead = await offering.post("/introspect", token, **basic(robot))
    assert dead.json() == {"active": False}


@pytest.mark.requirement("D-33", "B-34", "M-9")
async def test_deleting_the_client_ends_its_tokens(offering: Deployment) -> None:
    robot = await service(offering)
    answer = await offering.post("/token", GRANT, **basic(robot))
    token = answer.json()["access_token"]

    assert await offering.server.delete_client(robot.client.client_id)

    assert await offering.server.validate_token(RESOURCE, token) is None
    again = await offering.post("/token", GRANT, **basic(robot))
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")


@pytest.mark.requirement("D-33")
@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": "notes:write"}, "invalid_scope"),
        ({"scope": 'no"tes'}, "invalid_scope"),
        ({"resource": f"{ISSUER}/other"}, "invalid_target"),
    ],
)
async def test_more_than_the_operator_allowed_is_refused(
    offering: Deployment, form: dict[str, str], error: str
) -> None:
    robot = await service(offering)
    answer = await offering.post("/token", {**GRANT, **form}, **basic(robot))
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.requirement("D-03", "D-34")
async def test_a_client_that_registered_itself_cannot_have_the_grant(
    offering: Deployment,
) -> None:
    client = await offering.register(
        method="client_secret_post",
        grant_types=["authorization_code", "client_credentials"],
    )
    assert "client_credentials" not in client["grant_types"]
    form = {
        **GRANT,
        "client_id": client["client_id"],
        "client_secret": client["client_secret"],
    }
    answer = await offering.post("/token", form)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


@pytest.mark.requirement("D-03", "A-04", "A-08")
async def test_the_grant_is_offered_only_if_it_is_on(
    deployment: Deployment,
) -> None:
    path = "/.well-known/oauth-authorization-server"
    metadata = (await deployment.browser().get(path)).json()
    assert "client_credentials" not in metadata["grant_types_supported"]
    client = await deployment.register()
    form = {**GRANT, "client_id": client["client_id"]}
    answer = await deployment.post("/token", form)
    assert answer.json()["error"] == "unsupported_grant_type"
