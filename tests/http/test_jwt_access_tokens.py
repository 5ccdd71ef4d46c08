"""JWT access tokens over HTTP, and that a revocation holds for them too."""

import json
from base64 import b64encode, urlsafe_b64decode
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import cast

import pytest
import trio

from actor_oauth.actors.authorization_server import AuthorizationServer, NewClient
from actor_oauth.oauth.authorization_answer import Redirect
from actor_oauth.oauth.exchange_token import ACCESS_TOKEN_TYPE
from actor_oauth.oauth.grant_types import TOKEN_EXCHANGE
from actor_oauth.oauth.grants import ROUNDING
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.keyring import new_keyring
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.signing_keys import SIGNING_ALGORITHMS, SigningAlgorithm
from actor_oauth.oauth.tokens import TokenResponse
from actor_oauth.resource import JwtTokens, RemoteKeys
from tests.http.deployment import ISSUER, Deploy, Deployment, policy_for, query_of
from tests.support.signing_keys import SIGNING_KEYS, a_signing_key

RESOURCE = f"{ISSUER}/mcp"
TASKS = 32


def jwt_policy(algorithm: SigningAlgorithm = "EdDSA") -> Policy:
    policy = policy_for(ISSUER)
    (resource,) = policy.resources
    wanted = replace(resource, has_jwt_tokens=True, signing_algorithm=algorithm)
    return replace(policy, resources=(wanted,))


@pytest.fixture
async def signing(deploy: Deploy) -> AsyncIterator[Deployment]:
    """A deployment whose resource wants JWTs."""
    async with deploy(policy=jwt_policy()) as deployment:
        yield deployment


async def tokens(
    deployment: Deployment, client: dict[str, str] | None = None
) -> tuple[dict[str, str], dict[str, str]]:
    """A client and what it got for a code."""
    client = client or await deployment.register()
    code = await deployment.code(client, scope="notes:read offline_access")
    answer = await deployment.redeem(client, code)
    assert answer.status_code == 200, answer.text
    return client, answer.json()


async def refreshed(
    deployment: Deployment, client: dict[str, str], token: str
) -> dict[str, str]:
    answer = await deployment.post(
        "/token",
        {
            "grant_type": "refresh_token",
            "client_id": client["client_id"],
            "refresh_token": token,
        },
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


def claims_of(token: str) -> dict[str, Json]:
    part = token.split(".")[1]
    return cast("dict[str, Json]", json.loads(urlsafe_b64decode(part + "==")))


async def introspected(deployment: Deployment, token: str) -> dict[str, Json]:
    api = await deployment.resource_server()
    pair = f"{api['client_id']}:{api['client_secret']}"
    answer = await deployment.post(
        "/introspect",
        {"token": token},
        Authorization="Basic " + b64encode(pair.encode()).decode(),
    )
    return cast("dict[str, Json]", answer.json())


@pytest.mark.requirement("D-11", "G-12", "A-05")
@pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS)
async def test_a_resource_server_elsewhere_verifies_what_was_issued(
    deploy: Deploy, algorithm: SigningAlgorithm
) -> None:
    async with deploy(policy=jwt_policy(algorithm)) as deployment:
        client, issued = await tokens(deployment)
        browser = deployment.browser()
        document = (await browser.get("/.well-known/oauth-authorization-server")).json()

        async def fetch() -> Json:
            return cast("Json", (await browser.get(document["jwks_uri"])).json())

        remote = JwtTokens(
            document["issuer"],
            RemoteKeys(fetch, clock=deployment.clock),
            clock=deployment.clock,
        )
        info = await remote.validate_token(RESOURCE, issued["access_token"])

    assert info is not None
    assert (info.user_id, info.client_id) == ("ada", client["client_id"])
    assert str(info.scope) == "notes:read offline_access"
    assert info.expires_at - info.issued_at == int(issued["expires_in"]) + ROUNDING


@pytest.mark.requirement("G-14", "H-10")
async def test_here_it_is_as_good_as_any_token_with_its_props(
    signing: Deployment,
) -> None:
    client = await signing.register()
    request = await signing.server.parse_auth_request(
        signing.authorize_url(client).partition("?")[2]
    )
    answer = await signing.server.complete_authorization(
        request,  # type: ignore[arg-type]  # it is one
        user_id="ada",
        props={"tier": "gold"},
    )
    assert isinstance(answer, Redirect)
    code = query_of(answer.url)["code"]
    token = (await signing.redeem(client, code)).json()["access_token"]

    info = await signing.server.validate_token(RESOURCE, token)
    active = await introspected(signing, token)

    assert info is not None
    assert info.props == {"tier": "gold"}
    claims = claims_of(token)
    assert active["active"] is True
    for name in ("iss", "sub", "aud", "client_id", "exp", "iat", "scope"):
        assert active[name] == claims[name]
    assert await signing.server.validate_token(f"{ISSUER}/other", token) is None


@pytest.mark.requirement("G-14", "H-05", "H-11")
@pytest.mark.parametrize("revoked", ["access_token", "refresh_token"])
async def test_once_revoked_it_is_dead_here(signing: Deployment, revoked: str) -> None:
    client, issued = await tokens(signing)
    token = issued["access_token"]
    assert await signing.server.validate_token(RESOURCE, token) is not None

    answer = await signing.post(
        "/revoke", {"client_id": client["client_id"], "token": issued[revoked]}
    )

    assert answer.status_code == 200
    assert await signing.server.validate_token(RESOURCE, token) is None
    assert await introspected(signing, token) == {"active": False}


@pytest.mark.requirement("G-05")
async def test_it_expires_here_as_it_says(signing: Deployment) -> None:
    _, issued = await tokens(signing)

    signing.clock.advance(int(issued["expires_in"]) + ROUNDING)

    token = issued["access_token"]
    assert await signing.server.validate_token(RESOURCE, token) is None


@pytest.mark.requirement("D-26", "M-3")
async def test_clients_that_race_get_the_same_text(signing: Deployment) -> None:
    client, issued = await tokens(signing)
    answers: list[dict[str, str]] = []

    async def refresh() -> None:
        token = issued["refresh_token"]
        answers.append(await refreshed(signing, client, token))

    async with trio.open_nursery() as nursery:
        for _ in range(TASKS):
            nursery.start_soon(refresh)

    assert len(answers) == TASKS
    assert len({answer["access_token"] for answer in answers}) == 1
    assert len({answer["refresh_token"] for answer in answers}) == 1


@pytest.mark.requirement("D-26", "K-11")
async def test_a_retry_after_a_key_took_over_gets_the_same_text(
    signing: Deployment,
) -> None:
    client, issued = await tokens(signing)
    first = await refreshed(signing, client, issued["refresh_token"])
    takes_over = signing.clock.now() + 30
    server = signing.server
    new = a_signing_key("EdDSA", nth=2, active_from=takes_over)
    keyring = server._effects.keyring
    server.use_keyring(keyring.with_signing_keys((*SIGNING_KEYS, new)))
    published = (await signing.browser().get("/jwks")).json()["keys"]
    signing.clock.advance(60)

    again = await refreshed(signing, client, issued["refresh_token"])
    later = await refreshed(signing, client, first["refresh_token"])

    assert new.kid in {key["kid"] for key in published}
    assert again["access_token"] == first["access_token"]
    assert new.kid in _header(later["access_token"])
    for token in (first["access_token"], later["access_token"]):
        assert await server.validate_token(RESOURCE, token) is not None


def _header(token: str) -> str:
    return urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "==").decode()


@pytest.mark.requirement("M-6")
async def test_a_grant_that_ended_before_the_signature_leaves_nothing_to_sign(
    signing: Deployment,
) -> None:
    client, issued = await tokens(signing)
    answers: list[int] = []

    async def refresh() -> None:
        answer = await signing.post(
            "/token",
            {
                "grant_type": "refresh_token",
                "client_id": client["client_id"],
                "refresh_token": issued["refresh_token"],
            },
        )
        answers.append(answer.status_code)
        if answer.status_code == 200:
            seen.append(answer.json()["access_token"])

    seen: list[str] = []
    async with trio.open_nursery() as nursery:
        for number in range(TASKS):
            nursery.start_soon(refresh)
            if number == TASKS // 2:
                nursery.start_soon(
                    signing.post,
                    "/revoke",
                    {
                        "client_id": client["client_id"],
                        "token": issued["refresh_token"],
                    },
                )

    assert set(answers) <= {200, 400}
    for token in {issued["access_token"], *seen}:
        assert await signing.server.validate_token(RESOURCE, token) is None


@pytest.mark.requirement("A-18", "J-13")
async def test_the_key_set_is_public_and_cacheable(signing: Deployment) -> None:
    browser = signing.browser()

    answer = await browser.get("/jwks")
    again = await browser.get("/jwks", **{"If-None-Match": answer.headers["etag"]})

    assert answer.headers["cache-control"] == "public, max-age=900"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert len(answer.json()["keys"]) == len(SIGNING_KEYS)
    assert '"d"' not in answer.text
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.requirement("A-08")
async def test_without_jwts_there_is_no_key_set(deployment: Deployment) -> None:
    browser = deployment.browser()

    document = (await browser.get("/.well-known/oauth-authorization-server")).json()

    assert "jwks_uri" not in document
    assert (await browser.get("/jwks")).status_code == 404


@pytest.mark.requirement("A-15")
async def test_a_server_does_not_start_without_a_key_that_it_needs(
    deployment: Deployment,
) -> None:
    effects = deployment.server._effects

    with pytest.raises(ValueError, match="no signing key for ES256"):
        AuthorizationServer(
            system=effects.system,
            policy=jwt_policy("ES256"),
            keyring=effects.keyring,
            clock=effects.clock,
            entropy=effects.entropy,
        )


async def test_a_server_does_not_take_the_keyring_of_another(
    deployment: Deployment,
) -> None:
    other = new_keyring(secret=b"s" * 32, address_key=b"b" * 32, kid="x")

    with pytest.raises(ValueError, match="another server"):
        deployment.server.use_keyring(other)


async def test_before_the_first_key_is_in_force_nothing_is_signed(
    signing: Deployment,
) -> None:
    client = await signing.register()
    code = await signing.code(client)
    late = a_signing_key("EdDSA", nth=3, active_from=signing.clock.now() + 1)
    keyring = signing.server._effects.keyring
    signing.server.use_keyring(keyring.with_signing_keys((late,)))

    answer = await signing.redeem(client, code)

    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")


@pytest.mark.requirement("D-38", "D-39")
async def test_a_jwt_is_exchanged_for_a_lesser_jwt(deploy: Deploy) -> None:
    policy = replace(jwt_policy(), token_exchange_enabled=True)
    async with deploy(policy=policy) as deployment:
        grants = ["authorization_code", "refresh_token", TOKEN_EXCHANGE]
        client = await deployment.register(grant_types=grants)
        _, issued = await tokens(deployment, client)
        server, subject = deployment.server, issued["access_token"]

        answer = await deployment.post(
            "/token",
            {
                "grant_type": TOKEN_EXCHANGE,
                "client_id": client["client_id"],
                "subject_token": subject,
                "subject_token_type": ACCESS_TOKEN_TYPE,
                "scope": "notes:read",
            },
        )
        by_hand = await server.exchange_token(subject, scope=Scope(("notes:read",)))

        assert answer.status_code == 200, answer.text
        lesser = answer.json()["access_token"]
        assert claims_of(lesser)["scope"] == "notes:read"
        assert isinstance(by_hand, TokenResponse)
        assert claims_of(by_hand.access_token)["scope"] == "notes:read"
        await deployment.post(
            "/revoke", {"client_id": client["client_id"], "token": subject}
        )
        for token in (subject, lesser, by_hand.access_token):
            assert await server.validate_token(RESOURCE, token) is None


@pytest.mark.requirement("D-33")
async def test_a_client_for_itself_gets_a_jwt_about_itself(deploy: Deploy) -> None:
    policy = replace(jwt_policy(), client_credentials_enabled=True)
    async with deploy(policy=policy) as deployment:
        made = await deployment.server.create_service_client(
            client_name="Batch", scope=Scope(("notes:read",))
        )
        assert isinstance(made, NewClient)
        pair = f"{made.client.client_id}:{made.secret}"
        answer = await deployment.post(
            "/token",
            {"grant_type": "client_credentials"},
            Authorization="Basic " + b64encode(pair.encode()).decode(),
        )

        token = answer.json()["access_token"]
        assert claims_of(token)["sub"] == made.client.client_id
        info = await deployment.server.validate_token(RESOURCE, token)
        assert info is not None
        assert info.principal == "client"
