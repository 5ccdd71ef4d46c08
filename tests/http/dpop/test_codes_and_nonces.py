"""Codes that are bound to a key, and the nonces that proofs may have to name."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from actor_oauth.oauth.dpop import NONCE_INTERVAL
from tests.http.deployment import ISSUER, Deploy, Deployment, policy_for
from tests.http.dpop.bound import code_form, guarded, posted, proof_for, shown
from tests.http.test_par import a_form
from tests.support.dpop import ProofKey, a_proof_key


@pytest.fixture
async def nonced(deploy: Deploy) -> AsyncIterator[Deployment]:
    policy = replace(policy_for(ISSUER), dpop_nonces_required=True)
    async with deploy(policy=policy) as deployment:
        yield deployment


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
