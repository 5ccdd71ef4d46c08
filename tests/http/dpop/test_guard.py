"""Bound tokens at a resource: worth nothing without their key."""

from dataclasses import replace

import pytest
import trio

from actor_oauth.oauth.dpop import Proof
from tests.http.deployment import ISSUER, Deploy, Deployment
from tests.http.dpop.bound import TASKS, bound, guarded, shown
from tests.http.test_jwt_access_tokens import claims_of, jwt_policy
from tests.support.dpop import ProofKey, a_proof_key


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
