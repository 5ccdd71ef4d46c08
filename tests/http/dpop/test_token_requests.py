"""Proofs at the token endpoint: which tokens they bind, and what a bad one costs."""

from base64 import b64encode
from dataclasses import replace

import httpx2
import pytest
import trio

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import WINDOW
from actor_oauth.oauth.exchange_token import ACCESS_TOKEN_TYPE
from actor_oauth.oauth.grant_types import TOKEN_EXCHANGE
from actor_oauth.oauth.scopes import Scope as TokenScope
from tests.http.deployment import ISSUER, WEB_CALLBACK, Deploy, Deployment, policy_for
from tests.http.dpop.bound import TASKS, bound, code_form, posted, proof_for
from tests.http.test_jwt_access_tokens import introspected
from tests.support.dpop import ProofKey, a_proof_key


def refresh_form(client: dict[str, str], token: str) -> dict[str, str]:
    return {
        "grant_type": "refresh_token",
        "client_id": client["client_id"],
        "refresh_token": token,
    }


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
