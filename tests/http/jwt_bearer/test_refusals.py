"""Assertions that are refused: without a word about why, and without being used up."""

from dataclasses import replace

import pytest

from actor_oauth.actors.user import UserActor
from actor_oauth.oauth.json_values import Json
from tests.http.deployment import ISSUER, Deploy, Deployment
from tests.http.jwt_bearer.agent import Agent, an_agent, error_of, trusting_policy
from tests.support.issuers import JWT_BEARER, an_issuer
from tests.support.signing import signer


@pytest.mark.requirement("D-40")
async def test_a_missing_or_repeated_assertion_is_an_invalid_request(
    agent: Agent,
) -> None:
    assert error_of(await agent.present("")) == (400, "invalid_request")
    form = {"grant_type": JWT_BEARER}
    answer = await agent.deployment.post("/token", form, **agent.basic)
    assert error_of(answer) == (400, "invalid_request")


@pytest.mark.requirement("D-40", "D-41", "D-42", "D-43", "D-44", "D-45", "D-46")
async def test_every_fault_of_an_assertion_looks_the_same(agent: Agent) -> None:
    faults: list[dict[str, Json]] = [
        {"aud": f"{ISSUER}/token"},
        {"iss": "https://evil.example"},
        {"client_id": "aocl_other"},
        {"jti": None},
        {"exp": 1},
        {"resource": "https://evil.example/mcp"},
        {"resource": []},
        {"cnf": {"jkt": "k" * 43}},
        {"authorization_details": [{"type": "x"}]},
    ]
    garbage = await agent.present("no.jwt.at-all")
    assert error_of(garbage) == (400, "invalid_grant")
    for claims in faults:
        answer = await agent.present(agent.idp.assertion(**claims))
        assert answer.status_code == 400
        assert answer.json() == garbage.json()
    assert not await agent.deployment.server.user_exists(agent.user_id())


@pytest.mark.requirement("D-45", "D-07")
async def test_what_the_request_asks_too_much_leaves_the_assertion_unused(
    agent: Agent,
) -> None:
    text = agent.idp.assertion()
    for form, error in (
        ({"resource": "https://evil.example/mcp"}, "invalid_target"),
        ({"scope": 'a"b'}, "invalid_scope"),
        ({"scope": "unknown"}, "invalid_scope"),
    ):
        assert error_of(await agent.present(text, **form)) == (400, error)
    assert (await agent.present(text)).status_code == 200


@pytest.mark.requirement("D-03", "A-04")
async def test_it_is_a_grant_only_if_somebody_is_trusted(
    deployment: Deployment, agent: Agent
) -> None:
    form = {"grant_type": JWT_BEARER, "assertion": agent.idp.assertion()}
    other = await agent.deployment.register(method="client_secret_post")
    named = {
        "client_id": other["client_id"],
        "client_secret": other["client_secret"],
    }
    answer = await agent.deployment.post("/token", {**form, **named})
    assert error_of(answer) == (400, "unauthorized_client")

    client = await deployment.register()
    answer = await deployment.post("/token", {**form, "client_id": client["client_id"]})
    assert error_of(answer) == (400, "unsupported_grant_type")


@pytest.mark.requirement("D-43")
async def test_a_public_client_needs_the_operators_word(deploy: Deploy) -> None:
    policy = trusting_policy(
        an_issuer(),
        an_issuer(issuer="https://open.example", key=signer(nth=2), allow_public=True),
    )
    async with deploy(policy=policy) as opened:
        agent = await an_agent(opened)
        public = await opened.register(grant_types=[JWT_BEARER], redirect_uris=[])
        idp = replace(agent.idp, client_id=public["client_id"])
        form = {"grant_type": JWT_BEARER, "client_id": public["client_id"]}

        closed = await opened.post("/token", {**form, "assertion": idp.assertion()})
        assert error_of(closed) == (400, "unauthorized_client")
        idp = replace(idp, issuer="https://open.example", key=signer(nth=2))
        answer = await opened.post("/token", {**form, "assertion": idp.assertion()})
        assert answer.status_code == 200


@pytest.mark.requirement("D-48")
async def test_a_disabled_account_gets_nothing(agent: Agent) -> None:
    token = await agent.token()
    effects = agent.deployment.server._effects
    user = effects.system.get(UserActor, effects.user_key(agent.user_id()))
    assert await user.set_disabled(disabled=True, now=effects.now())

    assert (await agent.introspect(token))["active"] is False
    assert error_of(await agent.present()) == (400, "invalid_grant")


@pytest.mark.requirement("D-48")
async def test_nobody_can_take_the_name_of_somebody_whom_the_issuer_knows(
    agent: Agent,
) -> None:
    with pytest.raises(ValueError, match="fed_"):
        await agent.deployment.server.create_user(agent.user_id(), "p" * 20)
