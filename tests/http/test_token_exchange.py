"""Token exchange over HTTP (RFC 8693)."""

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import trio

from actor_oauth.oauth.device import SHARDS
from actor_oauth.oauth.exchange_token import ACCESS_TOKEN_TYPE
from actor_oauth.oauth.grant_types import TOKEN_EXCHANGE
from actor_oauth.oauth.grants import ROUNDING
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import TokenResponse
from tests.http.deployment import ISSUER, Deploy, Deployment, policy_for

RESOURCE = f"{ISSUER}/mcp"
GRANTS = ["authorization_code", "refresh_token", TOKEN_EXCHANGE]


@pytest.fixture
async def exchanging(deploy: Deploy) -> AsyncIterator[Deployment]:
    policy = replace(policy_for(ISSUER), token_exchange_enabled=True)
    async with deploy(policy=policy) as opened:
        yield opened


async def signed_in(deployment: Deployment) -> tuple[dict[str, str], dict[str, str]]:
    """A client that may exchange, and its tokens."""
    client = await deployment.register(grant_types=GRANTS)
    code = await deployment.code(client, scope="notes:read notes:write")
    tokens: dict[str, str] = (await deployment.redeem(client, code)).json()
    return client, tokens


def form(client: dict[str, str], token: str, **fields: str) -> dict[str, str]:
    return {
        "grant_type": TOKEN_EXCHANGE,
        "client_id": client["client_id"],
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN_TYPE,
        **fields,
    }


@pytest.mark.requirement("D-35", "D-37", "D-38", "D-04")
async def test_a_token_is_exchanged_for_a_lesser_one(exchanging: Deployment) -> None:
    client, tokens = await signed_in(exchanging)
    exchanging.clock.advance(100)

    answer = await exchanging.post(
        "/token", form(client, tokens["access_token"], scope="notes:read")
    )

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    members = answer.json()
    token = members.pop("access_token")
    assert members == {
        "token_type": "Bearer",
        "expires_in": 3500,
        "scope": "notes:read",
        "resource": RESOURCE,
        "issued_token_type": ACCESS_TOKEN_TYPE,
    }
    info = await exchanging.server.validate_token(RESOURCE, token)
    assert info is not None
    assert str(info.scope) == "notes:read"


@pytest.mark.requirement("D-36", "D-35")
@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"subject_token": "garbage"}, "invalid_request"),
        ({"subject_token_type": "urn:example"}, "invalid_request"),
        ({"actor_token": "x"}, "invalid_request"),
        ({"scope": "notes:all"}, "invalid_scope"),
        ({"resource": f"{ISSUER}/other"}, "invalid_target"),
        ({"audience": f"{ISSUER}/other"}, "invalid_target"),
    ],
)
async def test_what_is_wrong_is_said_in_the_words_of_the_rfc(
    exchanging: Deployment, fields: dict[str, str], error: str
) -> None:
    client, tokens = await signed_in(exchanging)
    request = {**form(client, tokens["access_token"]), **fields}
    answer = await exchanging.post("/token", request)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.requirement("D-36", "D-38", "D-39", "H-06")
async def test_a_revoked_or_foreign_token_is_a_bad_subject_token(
    exchanging: Deployment,
) -> None:
    client, tokens = await signed_in(exchanging)
    other = await exchanging.register(grant_types=GRANTS)
    secret = await exchanging.register(grant_types=GRANTS, method="client_secret_basic")
    pair = f"{secret['client_id']}:{secret['client_secret']}"
    foreign = await exchanging.post("/token", form(other, tokens["access_token"]))
    also = await exchanging.post(
        "/token",
        form(secret, tokens["access_token"]),
        Authorization=f"Basic {b64encode(pair.encode()).decode()}",
    )
    child = await exchanging.post("/token", form(client, tokens["access_token"]))
    await exchanging.post(
        "/revoke",
        {"client_id": client["client_id"], "token": tokens["refresh_token"]},
    )
    revoked = await exchanging.post("/token", form(client, tokens["access_token"]))
    # One answer for all three.
    assert foreign.json() == also.json() == revoked.json()
    assert foreign.json()["error"] == "invalid_request"
    dead = child.json()["access_token"]
    assert await exchanging.server.validate_token(RESOURCE, dead) is None


@pytest.mark.requirement("D-38", "B-36")
async def test_a_gateway_named_by_the_operator_exchanges_others_tokens(
    deploy: Deploy,
) -> None:
    policy = replace(policy_for(ISSUER), token_exchange_enabled=True)
    async with deploy(policy=policy) as deployment:
        gateway = await deployment.register(
            grant_types=GRANTS, method="client_secret_post"
        )
        # The policy is the operator's file: told to the running server for this test.
        named = replace(policy, exchange_clients=frozenset((gateway["client_id"],)))
        object.__setattr__(deployment.server._effects, "policy", named)
        _, tokens = await signed_in(deployment)
        secret = {"client_secret": gateway["client_secret"]}

        answer = await deployment.post(
            "/token", form(gateway, tokens["access_token"], **secret)
        )
        assert answer.status_code == 200
        token = answer.json()["access_token"]
        info = await deployment.server.unwrap_token(token)
        assert info is not None
        assert info.client_id == gateway["client_id"]

        await deployment.server.delete_client(gateway["client_id"])
        assert await deployment.server.unwrap_token(token) is None
        assert await deployment.server.unwrap_token(tokens["access_token"]) is not None


@pytest.mark.requirement("D-38")
async def test_the_application_exchanges_by_a_call(exchanging: Deployment) -> None:
    _, tokens = await signed_in(exchanging)
    server = exchanging.server
    lesser = await server.exchange_token(
        tokens["access_token"], scope=Scope(("notes:read",)), expires_in=60
    )
    assert isinstance(lesser, TokenResponse)
    assert (lesser.expires_in, str(lesser.scope)) == (60, "notes:read")
    again = await server.exchange_token(lesser.access_token, resource=RESOURCE)
    assert isinstance(again, TokenResponse)
    assert again.expires_in == 60
    assert isinstance(await server.exchange_token("nothing"), Refused)
    exchanging.clock.advance(60 + ROUNDING)
    assert await server.unwrap_token(again.access_token) is None
    assert isinstance(await server.exchange_token(again.access_token), Refused)


@pytest.mark.requirement("K-09")
async def test_purging_goes_through_all_actors_some_at_a_time(
    exchanging: Deployment,
) -> None:
    _, tokens = await signed_in(exchanging)
    await exchanging.server.create_user("grace", "a long enough password")
    # A user is listed a moment after it was made: the directory is told by message.
    with trio.fail_after(60):
        while len((await exchanging.server.list_users()).entries) < 2:
            await trio.lowlevel.checkpoint()
    visited, steps, cursor = 0, 0, None
    while steps == 0 or cursor is not None:
        step = await exchanging.server.purge_expired_data(cursor=cursor, limit=1)
        visited, steps, cursor = visited + step.visited, steps + 1, step.next_cursor
    clients = len((await exchanging.server.list_clients())[0])
    assert visited == 2 + clients + SHARDS
    # One visit a step, but for the devices' actors, of which there are always as many.
    assert steps == 2 + clients + 1
    # A cursor that cannot be read begins anew.
    again = await exchanging.server.purge_expired_data(cursor="?", limit=1000)
    assert (again.visited, again.next_cursor) == (2, "clients")
    assert await exchanging.server.unwrap_token(tokens["access_token"]) is not None
