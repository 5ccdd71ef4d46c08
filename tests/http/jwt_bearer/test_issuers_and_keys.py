"""Whose word counts, with which keys, and for workloads."""

import json

import pytest
import trio

from actor_oauth.actors.issuers import Issuers
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.trusted_issuers import TrustedIssuer
from tests.http.deployment import Deploy
from tests.http.jwt_bearer.agent import Agent, an_agent, error_of, trusting_policy
from tests.support.issuers import IDP, an_issuer
from tests.support.signing import signer
from tests.support.web import open_web, reply


@pytest.mark.requirement("D-49")
async def test_a_workload_gets_a_token_of_its_own(deploy: Deploy) -> None:
    policy = trusting_policy(
        an_issuer(
            issuer="https://k8s.example",
            uses=frozenset(("workload",)),
            subjects=("system:serviceaccount:prod:*",),
        )
    )
    async with deploy(policy=policy) as opened:
        agent = await an_agent(opened)
        agent.idp.issuer = "https://k8s.example"
        name = "system:serviceaccount:prod:sync"

        answer = await agent.present(
            agent.idp.assertion(None, sub=name, client_id=None)
        )
        assert answer.status_code == 200
        told = await agent.introspect(answer.json()["access_token"])
        assert told["grant_origin"] == {
            "kind": "workload",
            "iss": "https://k8s.example",
            "sub": name,
        }
        other = "system:serviceaccount:dev:sync"
        refused = await agent.present(agent.idp.assertion(None, sub=other))
        assert error_of(refused) == (400, "invalid_grant")


@pytest.mark.requirement("D-41", "M-15")
async def test_keys_are_fetched_once_and_looked_for_again_when_one_is_missing(
    deploy: Deploy,
) -> None:
    published = TrustedIssuer(issuer=IDP, jwks_uri=f"{IDP}/keys")
    page = "idp.example/keys"
    async with open_web("idp.example") as web:
        web.pages[page] = reply(
            json.dumps(signer().jwks()).encode(), "Cache-Control: max-age=86400"
        )
        async with deploy(
            policy=trusting_policy(published), fetcher=web.fetcher()
        ) as opened:
            agent = await an_agent(opened)
            async with trio.open_nursery() as nursery:
                for _ in range(8):
                    nursery.start_soon(agent.token)
            assert web.count(page) == 1

            # The organization has a new key.
            new = signer(kid="k2")
            both = json.dumps(signer().jwks(new)).encode()
            web.pages[page] = reply(both, "Cache-Control: max-age=86400")
            opened.clock.advance(60)
            agent.idp.now += 60
            agent.idp.key = new
            await agent.token()
            assert web.count(page) == 2

            # Whoever makes up names of keys causes no more than one look a minute.
            agent.idp.key = signer(kid="k3")
            for _ in range(5):
                assert error_of(await agent.present()) == (400, "invalid_grant")
            assert web.count(page) == 2
            opened.clock.advance(61)
            agent.idp.now += 61
            for _ in range(5):
                assert error_of(await agent.present()) == (400, "invalid_grant")
            assert web.count(page) == 3


@pytest.mark.requirement("D-06", "D-41")
async def test_keys_that_cannot_be_had_are_nobodys_fault(deploy: Deploy) -> None:
    published = TrustedIssuer(issuer=IDP, jwks_uri=f"{IDP}/keys")
    page = "idp.example/keys"
    async with open_web("idp.example") as web:
        web.pages[page] = reply(b"{}", status="503 Service Unavailable")
        async with deploy(
            policy=trusting_policy(published), fetcher=web.fetcher()
        ) as opened:
            agent = await an_agent(opened)
            text = agent.idp.assertion()
            answer = await agent.present(text)
            assert error_of(answer) == (503, "temporarily_unavailable")
            assert answer.headers["retry-after"] == "1"

            keys = json.dumps(signer().jwks()).encode()
            web.pages[page] = reply(keys, "Cache-Control: max-age=60")
            assert (await agent.present(text)).status_code == 200

            # What is known stays in use while the identity provider is away.
            opened.clock.advance(120)
            agent.idp.now += 120
            web.pages[page] = reply(b"{}", status="503 Service Unavailable")
            assert (await agent.present()).status_code == 200


@pytest.mark.requirement("D-06")
async def test_without_a_way_to_the_web_only_given_keys_are_of_use(
    agent: Agent,
) -> None:
    issuers = Issuers(agent.deployment.server._effects, None)
    published = TrustedIssuer(issuer=IDP, jwks_uri=f"{IDP}/keys")
    unknown = Reason.ASSERTION_KEY_UNKNOWN

    assert await issuers.decide(an_issuer(), len, unknown=unknown) == 1
    refused = await issuers.decide(published, len, unknown=unknown)
    assert refused == Refused(Reason.ISSUER_KEYS_UNAVAILABLE)


@pytest.mark.requirement("H-08")
async def test_two_people_of_two_tenants_are_two_accounts(agent: Agent) -> None:
    one, two = await agent.token(tenant="t1"), await agent.token(tenant="t2")
    subjects = {(await agent.introspect(token))["sub"] for token in (one, two)}
    assert len(subjects) == 2
