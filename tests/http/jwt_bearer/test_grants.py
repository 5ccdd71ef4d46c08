"""An assertion becomes a grant: what it gives, who is told, and what ends it."""

import json
from dataclasses import replace

import pytest
import trio

from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.actors.user import UserActor
from actor_oauth.oauth.signed_jwt import parse_jwt
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext, TokenRefusal
from tests.http.deployment import ISSUER, Deploy
from tests.http.jwt_bearer.agent import Agent, an_agent, error_of, trusting_policy
from tests.support.dpop import ProofKey, a_proof_key
from tests.support.issuers import IDP, an_issuer

RESOURCE = f"{ISSUER}/mcp"


@pytest.mark.requirement("D-40", "D-48", "D-04")
async def test_an_assertion_becomes_an_access_token_and_no_refresh_token(
    agent: Agent,
) -> None:
    answer = await agent.present(scope="notes:read notes:write", resource=RESOURCE)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    members = answer.json()
    token = members.pop("access_token")
    assert members == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "notes:read notes:write",
        "resource": RESOURCE,
    }
    info = await agent.deployment.server.validate_token(RESOURCE, token)
    assert info is not None
    assert info.user_id == agent.user_id()
    assert info.origin is not None
    assert info.origin.subject == "00u1-alice"


@pytest.mark.requirement("H-10", "D-48")
async def test_introspection_audit_and_listing_say_how_the_grant_came_to_be(
    agent: Agent,
) -> None:
    token = await agent.token(tenant="acme", email="alice@acme.example")

    told = await agent.introspect(token)
    origin = {"kind": "id-jag", "iss": IDP, "sub": "00u1-alice", "tenant": "acme"}
    assert told["active"] is True
    assert told["grant_origin"] == origin

    server, user_id = agent.deployment.server, agent.user_id(tenant="acme")
    assert told["sub"] == user_id
    [grant] = (await server.list_user_grants(user_id)).grants
    assert grant.origin is not None
    assert grant.origin.to_json() == origin
    user = server._effects.system.get(UserActor, server._effects.user_key(user_id))
    kinds = {event.kind: event.detail for event in await user.audit_trail()}
    assert kinds["assertion_accepted"] == f"id-jag {IDP}"
    assert "alice" not in json.dumps(list(kinds.items()))


@pytest.mark.requirement("D-48", "H-08")
async def test_the_grant_can_be_revoked_by_operator_user_and_client(
    agent: Agent,
) -> None:
    server = agent.deployment.server
    first, second = await agent.token(), await agent.token()
    page = await server.list_user_grants(agent.user_id())
    assert len(page.grants) == 2

    assert await server.revoke_grant(agent.user_id(), page.grants[1].grant_id)
    assert (await agent.introspect(first))["active"] is False
    assert (await agent.introspect(second))["active"] is True
    await agent.deployment.post("/revoke", {"token": second}, **agent.basic)
    assert (await agent.introspect(second))["active"] is False

    third = await agent.token()
    assert await server.delete_client(agent.client.client.client_id)
    assert await server.validate_token(RESOURCE, third) is None
    assert error_of(await agent.present()) == (401, "invalid_client")


@pytest.mark.requirement("D-46", "F-07")
async def test_a_token_is_bound_to_the_key_that_the_assertion_names(
    agent: Agent,
) -> None:
    key, now = a_proof_key(), agent.idp.now
    bound = agent.idp.assertion(cnf={"jkt": key.jkt})

    def proof(of: ProofKey) -> str:
        return of.proof("POST", f"{ISSUER}/token", now=now)

    assert error_of(await agent.present(bound)) == (400, "invalid_grant")
    other = await agent.present(bound, dpop=proof(a_proof_key(1)))
    assert error_of(other) == (400, "invalid_grant")
    once = proof(key)
    answer = await agent.present(bound, dpop=once)
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "DPoP"
    told = await agent.introspect(answer.json()["access_token"])
    assert told["cnf"] == {"jkt": key.jkt}

    replayed = await agent.present(dpop=once)
    assert error_of(replayed) == (400, "invalid_dpop_proof")


async def test_props_are_the_claims_that_the_operator_named(deploy: Deploy) -> None:
    issuer = an_issuer(props_claims=("email", "groups"), access_token_life=600)
    async with deploy(policy=trusting_policy(issuer)) as opened:
        agent = await an_agent(opened)
        answer = await agent.present(
            agent.idp.assertion(email="alice@acme.example", groups=["dev"], phone="1")
        )
        assert answer.json()["expires_in"] == 600
        token = answer.json()["access_token"]
        info = await opened.server.validate_token(RESOURCE, token)
        assert info is not None
        assert info.props == {"email": "alice@acme.example", "groups": ["dev"]}
        assert info.expires_at <= agent.idp.now + 601
        opened.clock.advance(602)
        assert await opened.server.validate_token(RESOURCE, token) is None
        assert not (await opened.server.list_user_grants(agent.user_id())).grants


async def test_the_application_has_its_say_here_too(deploy: Deploy) -> None:
    contexts: list[TokenContext] = []

    async def callback(context: TokenContext) -> TokenChanges | TokenRefusal:
        await trio.lowlevel.checkpoint()
        contexts.append(context)
        if len(contexts) == 2:
            return TokenRefusal.DENIED
        return TokenChanges(props={"plan": "gold"})

    issuer = an_issuer(props_claims=("email",), access_token_life=600)
    async with deploy(
        policy=trusting_policy(issuer),
        callbacks=Callbacks(on_token_exchange=callback),
    ) as opened:
        agent = await an_agent(opened)
        answer = await agent.present(agent.idp.assertion(email="a@acme.example"))
        assert answer.status_code == 200, answer.text
        assert answer.json()["expires_in"] == 600
        info = await opened.server.validate_token(
            RESOURCE, answer.json()["access_token"]
        )
        assert info is not None
        assert info.props == {"plan": "gold"}
        assert info.origin is not None
        assert contexts[0].props == {"email": "a@acme.example"}
        assert contexts[0].user_id == agent.user_id()

        text = agent.idp.assertion()
        assert error_of(await agent.present(text)) == (403, "access_denied")
        # Used all the same, and nothing is left of the grant that was denied.
        assert error_of(await agent.present(text)) == (400, "invalid_grant")
        page = await opened.server.list_user_grants(agent.user_id())
        assert len(page.grants) == 1

        effects = opened.server._effects
        user = effects.system.get(UserActor, effects.user_key(agent.user_id()))
        await user.set_disabled(disabled=True, now=effects.now())
        assert error_of(await agent.present()) == (400, "invalid_grant")


@pytest.mark.requirement("D-11", "H-10")
async def test_a_jwt_access_token_says_on_whose_word_it_was_issued(
    deploy: Deploy,
) -> None:
    policy = trusting_policy()
    resource = replace(policy.resources[0], has_jwt_tokens=True)
    async with deploy(policy=replace(policy, resources=(resource,))) as opened:
        agent = await an_agent(opened)
        jwt = parse_jwt(await agent.token())
        assert jwt is not None
        assert jwt.claims["grant_origin"] == {
            "kind": "id-jag",
            "iss": IDP,
            "sub": "00u1-alice",
        }
