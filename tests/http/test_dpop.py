"""Tokens that are bound to a key, through HTTP (RFC 9449)."""

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Protocol

import httpx2
import pytest
import trio

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import NONCE_INTERVAL, WINDOW, Proof
from actor_oauth.oauth.exchange_token import ACCESS_TOKEN_TYPE
from actor_oauth.oauth.grant_types import TOKEN_EXCHANGE
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.scopes import Scope as TokenScope
from actor_oauth.resource import ResourceServer
from actor_oauth.resource.asgi import Message, Receive, Scope, Send
from tests.http.deployment import (
    ISSUER,
    VERIFIER,
    WEB_CALLBACK,
    Deploy,
    Deployment,
    policy_for,
)
from tests.http.test_jwt_access_tokens import claims_of, introspected, jwt_policy
from tests.http.test_par import a_form
from tests.support.dpop import ProofKey, a_proof_key

RESOURCE = f"{ISSUER}/mcp"
TOKEN_URL = f"{ISSUER}/token"
TASKS = 32


async def posted(
    deployment: Deployment,
    form: dict[str, str],
    *proofs: str,
    path: str = "/token",
    authorization: str | None = None,
) -> httpx2.Response:
    headers = [("DPoP", proof) for proof in proofs]
    if authorization is not None:
        headers.append(("Authorization", authorization))
    http = deployment.browser("198.51.100.3").http
    return await http.post(ISSUER + path, data=form, headers=headers)


def proof_for(deployment: Deployment, key: ProofKey, **claims: Json) -> str:
    now = deployment.clock.now()
    return key.proof(
        "POST", TOKEN_URL, now=now, header=None, access_token=None, **claims
    )


def code_form(client: dict[str, str], code: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "client_id": client["client_id"],
        "code": code,
        "code_verifier": VERIFIER,
        "redirect_uri": WEB_CALLBACK,
    }


def refresh_form(client: dict[str, str], token: str) -> dict[str, str]:
    return {
        "grant_type": "refresh_token",
        "client_id": client["client_id"],
        "refresh_token": token,
    }


async def bound(
    deployment: Deployment, key: ProofKey, client: dict[str, str] | None = None
) -> tuple[dict[str, str], dict[str, str]]:
    """A public client and the tokens that it got with its key."""
    client = client or await deployment.register()
    code = await deployment.code(client, scope="notes:read offline_access")
    answer = await posted(
        deployment, code_form(client, code), proof_for(deployment, key)
    )
    assert answer.status_code == 200, answer.text
    tokens: dict[str, str] = answer.json()
    return client, tokens


async def greet(scope: Scope, receive: Receive, send: Send) -> None:
    start: Message = {"type": "http.response.start", "status": 200, "headers": []}
    await send(start)
    await send({"type": "http.response.body", "body": b"hello"})


class Ask(Protocol):
    """Sends a request to the guarded resource."""

    async def __call__(
        self, authorization: str | None, *proofs: str, method: str = "GET"
    ) -> httpx2.Response: ...


def guarded(deployment: Deployment) -> Ask:
    """Asks the guarded resource of a deployment."""
    server = deployment.server
    guard = ResourceServer(
        deployment.policy.resources[0],
        issuer=deployment.policy.issuer,
        validate_token=server.validate_token,
        clock=deployment.clock,
        accept_proof=server.accept_proof,
        proof_nonces=server.proof_nonces,
    ).guard(greet)
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(guard), base_url=ISSUER)

    async def ask(
        authorization: str | None, *proofs: str, method: str = "GET"
    ) -> httpx2.Response:
        headers = [("DPoP", proof) for proof in proofs]
        if authorization is not None:
            headers.append(("Authorization", authorization))
        return await http.request(method, RESOURCE, headers=headers)

    return ask


def shown(deployment: Deployment, key: ProofKey, token: str, **claims: Json) -> str:
    """A proof for the resource."""
    now = deployment.clock.now()
    return key.proof(
        "GET",
        RESOURCE,
        now=now,
        header=None,
        **{"access_token": token, **claims},  # type: ignore[arg-type]  # claims
    )


@pytest.fixture
def key() -> ProofKey:
    return a_proof_key()


@pytest.fixture
async def nonced(deploy: Deploy) -> AsyncIterator[Deployment]:
    policy = replace(policy_for(ISSUER), dpop_nonces_required=True)
    async with deploy(policy=policy) as deployment:
        yield deployment


@pytest.mark.requirement("F-07", "F-15", "D-04")
async def test_with_a_proof_a_token_is_bound_to_its_key(
    deployment: Deployment, key: ProofKey
) -> None:
    _, tokens = await bound(deployment, key)

    active = await introspected(deployment, tokens["access_token"])

    assert tokens["token_type"] == "DPoP"
    assert active["token_type"] == "DPoP"
    assert active["cnf"] == {"jkt": key.jkt}


@pytest.mark.requirement("F-07")
async def test_without_a_proof_a_token_is_a_bearer_token(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    tokens = (await deployment.redeem(client, await deployment.code(client))).json()

    active = await introspected(deployment, tokens["access_token"])

    assert (tokens["token_type"], active["token_type"]) == ("Bearer", "Bearer")
    assert "cnf" not in active


@pytest.mark.requirement("F-07", "F-01", "D-07")
async def test_a_bad_proof_is_refused_and_uses_nothing_up(
    deployment: Deployment, key: ProofKey
) -> None:
    client = await deployment.register()
    form = code_form(client, await deployment.code(client))
    good = proof_for(deployment, key)
    for proofs in (
        ["nonsense"],
        [good, proof_for(deployment, key)],
        [proof_for(deployment, key, htm="GET")],
        [proof_for(deployment, key, htu=f"{ISSUER}/par")],
        [proof_for(deployment, key, iat=deployment.clock.now() - WINDOW - 1)],
    ):
        answer = await posted(deployment, form, *proofs)
        assert (answer.status_code, answer.json()["error"]) == (
            400,
            "invalid_dpop_proof",
        )

    assert (await posted(deployment, form, good)).status_code == 200


@pytest.mark.requirement("F-08", "B-22")
async def test_a_client_that_wants_bound_tokens_gets_no_others(
    deployment: Deployment, key: ProofKey
) -> None:
    client = await deployment.register(dpop_bound_access_tokens=True)
    form = code_form(client, await deployment.code(client))

    without = await posted(deployment, form)
    with_proof = await posted(deployment, form, proof_for(deployment, key))

    assert str(client["dpop_bound_access_tokens"]) == "True"
    assert (without.status_code, without.json()["error"]) == (400, "invalid_dpop_proof")
    assert with_proof.json()["token_type"] == "DPoP"


@pytest.mark.requirement("F-08", "K-15")
def test_a_stored_client_keeps_that_wish() -> None:
    client = Client(client_id="x", redirect_uris=(), dpop_bound_access_tokens=True)

    assert Client.from_record(client.to_record()) == client


@pytest.mark.requirement("B-24")
async def test_a_wish_of_the_wrong_type_is_refused(deployment: Deployment) -> None:
    answer = await deployment.browser().http.post(
        "/register",
        json={"redirect_uris": [WEB_CALLBACK], "dpop_bound_access_tokens": "yes"},
    )

    assert answer.json()["error"] == "invalid_client_metadata"


@pytest.mark.requirement("F-09", "D-21", "D-28")
async def test_a_public_clients_refresh_token_takes_its_key_and_raises_no_alarm(
    deployment: Deployment, key: ProofKey
) -> None:
    client, tokens = await bound(deployment, key)
    form = refresh_form(client, tokens["refresh_token"])
    thief = a_proof_key(1)

    for proofs in ([], [proof_for(deployment, thief)]):
        refused = await posted(deployment, form, *proofs)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    first = await posted(deployment, form, proof_for(deployment, key))
    deployment.clock.advance(500)
    late = await posted(deployment, form, proof_for(deployment, thief))
    second = refresh_form(client, first.json()["refresh_token"])
    still = await posted(deployment, second, proof_for(deployment, key))

    assert first.json()["token_type"] == "DPoP"
    assert late.json()["error"] == "invalid_grant"
    assert still.status_code == 200
    # The owner itself comes late with its first token, and proves that it is the owner.
    owner = await posted(deployment, form, proof_for(deployment, key))
    assert owner.json()["refresh_token"] == still.json()["refresh_token"]


@pytest.mark.requirement("F-09")
async def test_a_refresh_token_is_bound_from_the_first_proof_on(
    deployment: Deployment, key: ProofKey
) -> None:
    client = await deployment.register()
    code = await deployment.code(client, scope="notes:read offline_access")
    tokens = (await deployment.redeem(client, code)).json()

    first = await posted(
        deployment,
        refresh_form(client, tokens["refresh_token"]),
        proof_for(deployment, key),
    )
    form = refresh_form(client, first.json()["refresh_token"])
    without = await posted(deployment, form)
    with_proof = await posted(deployment, form, proof_for(deployment, key))

    assert first.json()["token_type"] == "DPoP"
    assert without.json()["error"] == "invalid_grant"
    assert with_proof.status_code == 200


@pytest.mark.requirement("F-09")
async def test_a_confidential_clients_refresh_token_is_not_bound(
    deployment: Deployment, key: ProofKey
) -> None:
    client = await deployment.register(method="client_secret_basic")
    pair = f"{client['client_id']}:{client['client_secret']}"
    basic = "Basic " + b64encode(pair.encode()).decode()
    code = await deployment.code(client, scope="notes:read offline_access")
    proof = proof_for(deployment, key)
    tokens = (
        await posted(deployment, code_form(client, code), proof, authorization=basic)
    ).json()
    form = refresh_form(client, tokens["refresh_token"])

    other = a_proof_key(1)
    rebound = await posted(
        deployment, form, proof_for(deployment, other), authorization=basic
    )
    free = await posted(deployment, form, authorization=basic)

    assert rebound.json()["token_type"] == "DPoP"
    active = await introspected(deployment, rebound.json()["access_token"])
    assert active["cnf"] == {"jkt": other.jkt}
    assert free.json()["token_type"] == "Bearer"
    assert free.json()["access_token"] != rebound.json()["access_token"]
    assert free.json()["refresh_token"] == rebound.json()["refresh_token"]


@pytest.mark.requirement("F-10", "C-17", "D-07")
async def test_a_code_may_be_bound_to_a_key(
    deployment: Deployment, key: ProofKey
) -> None:
    client = await deployment.register()
    form = code_form(client, await deployment.code(client, dpop_jkt=key.jkt))

    for proofs in ([], [proof_for(deployment, a_proof_key(1))]):
        refused = await posted(deployment, form, *proofs)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    answer = await posted(deployment, form, proof_for(deployment, key))

    assert answer.status_code == 200


@pytest.mark.requirement("F-10", "M-13")
async def test_a_proof_at_par_binds_the_code(
    deployment: Deployment, key: ProofKey
) -> None:
    client = await deployment.register()
    now = deployment.clock.now()

    def at_par() -> str:
        return key.proof("POST", f"{ISSUER}/par", now=now)

    once = at_par()
    pushed = await posted(deployment, a_form(client), once, path="/par")
    again = await posted(deployment, a_form(client), once, path="/par")
    agreeing = await posted(
        deployment, a_form(client, dpop_jkt=key.jkt), at_par(), path="/par"
    )
    contrary = await posted(
        deployment,
        a_form(client, dpop_jkt=a_proof_key(1).jkt),
        at_par(),
        path="/par",
    )
    bad = await posted(deployment, a_form(client), "x", path="/par")

    assert (pushed.status_code, agreeing.status_code) == (201, 201)
    assert again.json()["error"] == "invalid_dpop_proof"
    assert (contrary.status_code, contrary.json()["error"]) == (400, "invalid_request")
    assert bad.json()["error"] == "invalid_dpop_proof"
    request = await deployment.server.parse_auth_request(
        f"client_id={client['client_id']}&request_uri={pushed.json()['request_uri']}"
    )
    assert getattr(request, "dpop_jkt", None) == key.jkt


@pytest.mark.requirement("F-10")
async def test_a_key_must_be_named_by_its_thumbprint(deployment: Deployment) -> None:
    client = await deployment.register()

    answer = await posted(
        deployment, a_form(client, dpop_jkt="not a thumbprint"), path="/par"
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.requirement("F-06", "M-13", "K-14")
async def test_of_many_copies_of_a_proof_one_is_accepted(
    deployment: Deployment, key: ProofKey
) -> None:
    client, tokens = await bound(deployment, key)
    proof = proof_for(deployment, key)
    answers: list[httpx2.Response] = []

    async def refresh() -> None:
        form = refresh_form(client, tokens["refresh_token"])
        answers.append(await posted(deployment, form, proof))

    async with trio.open_nursery() as nursery:
        for _ in range(TASKS):
            nursery.start_soon(refresh)

    good = [answer for answer in answers if answer.status_code == 200]
    errors = {a.json()["error"] for a in answers if a.status_code != 200}
    assert (len(good), len(answers)) == (1, TASKS)
    assert errors == {"invalid_dpop_proof"}


@pytest.mark.requirement("D-26", "M-3", "F-09")
async def test_with_proofs_of_their_own_clients_that_race_converge(
    deployment: Deployment, key: ProofKey
) -> None:
    client, tokens = await bound(deployment, key)
    answers: list[dict[str, str]] = []

    async def refresh() -> None:
        form = refresh_form(client, tokens["refresh_token"])
        answer = await posted(deployment, form, proof_for(deployment, key))
        assert answer.status_code == 200, answer.text
        answers.append(answer.json())

    async with trio.open_nursery() as nursery:
        for _ in range(TASKS):
            nursery.start_soon(refresh)

    assert len({answer["refresh_token"] for answer in answers}) == 1
    assert len({answer["access_token"] for answer in answers}) == 1


@pytest.mark.requirement("F-13")
async def test_the_token_endpoint_asks_for_a_nonce(
    nonced: Deployment, key: ProofKey
) -> None:
    client = await nonced.register()
    form = code_form(client, await nonced.code(client))

    asked = await posted(nonced, form, proof_for(nonced, key))
    key.nonce = asked.headers["dpop-nonce"]
    nonced.clock.advance(30)
    answer = await posted(nonced, form, proof_for(nonced, key))

    assert (asked.status_code, asked.json()["error"]) == (400, "use_dpop_nonce")
    assert asked.headers["cache-control"] == "no-store"
    assert "DPoP-Nonce" in asked.headers["access-control-expose-headers"]
    assert answer.status_code == 200
    ask = guarded(nonced)
    token = answer.json()["access_token"]
    wanted = await ask(f"DPoP {token}", shown(nonced, key, token))
    assert wanted.status_code == 401
    assert wanted.headers["dpop-nonce"] != key.nonce
    assert "DPoP algs=" in wanted.headers["www-authenticate"]
    assert 'error="use_dpop_nonce"' in wanted.headers["www-authenticate"]
    key.nonce = wanted.headers["dpop-nonce"]
    assert (await ask(f"DPoP {token}", shown(nonced, key, token))).status_code == 200
    nonced.clock.advance(2 * NONCE_INTERVAL)
    stale = await ask(f"DPoP {token}", shown(nonced, key, token))
    assert 'error="use_dpop_nonce"' in stale.headers["www-authenticate"]


@pytest.mark.requirement("F-13", "F-10")
async def test_par_asks_for_a_nonce(nonced: Deployment, key: ProofKey) -> None:
    client = await nonced.register()
    now = nonced.clock.now()

    asked = await posted(
        nonced,
        a_form(client),
        key.proof("POST", f"{ISSUER}/par", now=now),
        path="/par",
    )
    key.nonce = asked.headers["dpop-nonce"]
    proof = key.proof("POST", f"{ISSUER}/par", now=now)
    answer = await posted(nonced, a_form(client), proof, path="/par")

    assert asked.json()["error"] == "use_dpop_nonce"
    assert answer.status_code == 201


@pytest.mark.requirement("F-05", "F-11", "F-12", "G-05")
async def test_a_bound_token_opens_nothing_without_its_key(
    deployment: Deployment, key: ProofKey
) -> None:
    _, tokens = await bound(deployment, key)
    token = tokens["access_token"]
    ask = guarded(deployment)
    thief = a_proof_key(1)

    good = await ask(f"DPoP {token}", shown(deployment, key, token))
    as_bearer = await ask(f"Bearer {token}")
    with_proof = await ask(f"Bearer {token}", shown(deployment, key, token))

    assert (good.status_code, good.text) == (200, "hello")
    for answer in (as_bearer, with_proof):
        assert answer.status_code == 401
        assert answer.json()["error"] == "invalid_token"
    for proofs, why in (
        ([], "none was sent"),
        (["x"], "not a JWT"),
        ([shown(deployment, thief, token)], "not by the key"),
        ([shown(deployment, key, "another token")], "another"),
        ([shown(deployment, key, token, htm="POST")], "another"),
        ([shown(deployment, key, token, htu=f"{ISSUER}/other")], "another"),
        (
            [shown(deployment, key, token), shown(deployment, key, token)],
            "more than one",
        ),
    ):
        refused = await ask(f"DPoP {token}", *proofs)
        assert refused.status_code == 401
        assert refused.json()["error"] == "invalid_dpop_proof"
        assert why in refused.json()["error_description"]
        lines = refused.headers.get_list("www-authenticate")
        assert [line.partition(" ")[0] for line in lines] == ["Bearer", "DPoP"]
        assert "error=" not in lines[0]
        assert 'algs="' in lines[1]
        assert "ES256" in lines[1]
        assert 'error="invalid_dpop_proof"' in lines[1]
        assert "resource_metadata=" in lines[1]


@pytest.mark.requirement("F-11", "F-12")
async def test_a_bearer_token_is_no_bound_token(
    deployment: Deployment, key: ProofKey
) -> None:
    client = await deployment.register()
    tokens = (await deployment.redeem(client, await deployment.code(client))).json()
    token = tokens["access_token"]
    ask = guarded(deployment)

    refused = await ask(f"DPoP {token}", shown(deployment, key, token))
    nothing = await ask(None)

    assert refused.json()["error"] == "invalid_token"
    assert "error=" in refused.headers.get_list("www-authenticate")[1]
    assert (await ask(f"Bearer {token}")).status_code == 200
    assert nothing.status_code == 401
    assert "error=" not in "".join(nothing.headers.get_list("www-authenticate"))


@pytest.mark.requirement("F-06", "M-13", "K-14")
async def test_of_many_copies_of_a_proof_one_passes_the_guard(
    deployment: Deployment, key: ProofKey
) -> None:
    _, tokens = await bound(deployment, key)
    token = tokens["access_token"]
    ask, proof = guarded(deployment), shown(deployment, key, token)
    statuses: list[int] = []

    async def use() -> None:
        statuses.append((await ask(f"DPoP {token}", proof)).status_code)

    async with trio.open_nursery() as nursery:
        for _ in range(TASKS):
            nursery.start_soon(use)

    assert sorted(statuses) == [200] + [401] * (TASKS - 1)


@pytest.mark.requirement("F-05", "G-14", "F-15")
async def test_a_bound_jwt_says_its_key_and_dies_with_its_grant(
    deploy: Deploy, key: ProofKey
) -> None:
    async with deploy(policy=jwt_policy()) as deployment:
        client, tokens = await bound(deployment, key)
        token = tokens["access_token"]
        ask = guarded(deployment)

        assert claims_of(token)["cnf"] == {"jkt": key.jkt}
        good = await ask(f"DPoP {token}", shown(deployment, key, token))
        await deployment.post(
            "/revoke",
            {"client_id": client["client_id"], "token": tokens["refresh_token"]},
        )
        dead = await ask(f"DPoP {token}", shown(deployment, key, token))

        assert good.status_code == 200
        assert (dead.status_code, dead.json()["error"]) == (401, "invalid_token")


@pytest.mark.requirement("D-38", "D-46")
async def test_a_bound_token_is_exchanged_by_its_key_only(
    deploy: Deploy, key: ProofKey
) -> None:
    policy = replace(policy_for(ISSUER), token_exchange_enabled=True)
    async with deploy(policy=policy) as deployment:
        grants = ["authorization_code", "refresh_token", TOKEN_EXCHANGE]
        client = await deployment.register(grant_types=grants)
        _, tokens = await bound(deployment, key, client)
        form = {
            "grant_type": TOKEN_EXCHANGE,
            "client_id": client["client_id"],
            "subject_token": tokens["access_token"],
            "subject_token_type": ACCESS_TOKEN_TYPE,
        }

        refused = [
            await posted(deployment, form),
            await posted(deployment, form, proof_for(deployment, a_proof_key(1))),
        ]
        proof = proof_for(deployment, key)
        answer = await posted(deployment, form, proof)
        replayed = await posted(deployment, form, proof)

        assert [r.json()["error"] for r in refused] == ["invalid_request"] * 2
        assert answer.json()["token_type"] == "DPoP"
        active = await introspected(deployment, answer.json()["access_token"])
        assert active["cnf"] == {"jkt": key.jkt}
        assert replayed.json()["error"] == "invalid_dpop_proof"


@pytest.mark.requirement("F-07", "D-33")
async def test_a_client_for_itself_is_told_that_its_token_cannot_be_bound(
    deploy: Deploy, key: ProofKey
) -> None:
    policy = replace(policy_for(ISSUER), client_credentials_enabled=True)
    async with deploy(policy=policy) as deployment:
        made = await deployment.server.create_service_client(
            client_name="Batch", scope=TokenScope(("notes:read",))
        )
        pair = f"{made.client.client_id}:{made.secret}"  # type: ignore[union-attr]  # acceptable
        basic = "Basic " + b64encode(pair.encode()).decode()

        answer = await posted(
            deployment,
            {"grant_type": "client_credentials"},
            proof_for(deployment, key),
            authorization=basic,
        )

        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.requirement("A-06", "F-16", "J-15", "J-17")
async def test_the_metadata_and_cors_speak_of_proofs(deployment: Deployment) -> None:
    browser = deployment.browser()

    document = (await browser.get("/.well-known/oauth-authorization-server")).json()
    preflight = await browser.http.options("/token")

    assert "ES256" in document["dpop_signing_alg_values_supported"]
    assert not {"none", "HS256"} & {*document["dpop_signing_alg_values_supported"]}
    assert "DPoP" in preflight.headers["access-control-allow-headers"]


@pytest.mark.requirement("F-05")
async def test_a_proof_counts_only_with_a_live_token_of_its_key(
    deployment: Deployment, key: ProofKey
) -> None:
    _, tokens = await bound(deployment, key)
    proof = Proof(jkt=key.jkt, key=b"x" * 32, issued_at=deployment.clock.now())
    server = deployment.server

    assert await server.accept_proof("nonsense", proof) is not None
    other = replace(proof, jkt=a_proof_key(1).jkt)
    assert await server.accept_proof(tokens["access_token"], other) is not None
    assert await server.accept_proof(tokens["access_token"], proof) is None
    assert await server.accept_proof(tokens["access_token"], proof) is not None
