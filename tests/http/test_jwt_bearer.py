"""Assertions over HTTP: an organization's people, and workloads."""

import json
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import httpx2
import pytest
import trio

from actor_oauth.actors.authorization_server import NewClient
from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.actors.issuers import Issuers
from actor_oauth.actors.user import UserActor
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.signed_jwt import parse_jwt
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext, TokenRefusal
from actor_oauth.oauth.trusted_issuers import TrustedIssuer
from tests.http.deployment import ISSUER, Deploy, Deployment, policy_for
from tests.support.dpop import ProofKey, a_proof_key
from tests.support.issuers import IDP, JWT_BEARER, Idp, an_issuer, trusting
from tests.support.signing import signer
from tests.support.web import open_web, reply

RESOURCE = f"{ISSUER}/mcp"


@dataclass
class Agent:
    """A client of the operator's, whose users' organization has an identity provider."""

    deployment: Deployment
    client: NewClient
    idp: Idp

    @property
    def basic(self) -> dict[str, str]:
        pair = f"{self.client.client.client_id}:{self.client.secret}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    async def present(
        self, text: str | None = None, *, dpop: str | None = None, **form: str
    ) -> httpx2.Response:
        """Ask for a token."""
        text = self.idp.assertion() if text is None else text
        headers = self.basic if dpop is None else {**self.basic, "DPoP": dpop}
        return await self.deployment.post(
            "/token", {"grant_type": JWT_BEARER, "assertion": text, **form}, **headers
        )

    async def token(self, **claims: Json) -> str:
        """Get a token, which must work."""
        answer = await self.present(self.idp.assertion(**claims))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def introspect(self, token: str) -> dict[str, object]:
        answer = await self.deployment.post(
            "/introspect", {"token": token}, **self.basic
        )
        return dict(answer.json())

    def user_id(self, subject: str = "00u1-alice", tenant: str | None = None) -> str:
        return self.deployment.server.federated_user_id(IDP, subject, tenant=tenant)


async def an_agent(deployment: Deployment) -> Agent:
    made = await deployment.server.create_client(
        client_name="Agent", redirect_uris=(), confidential=True, assertions=True
    )
    assert isinstance(made, NewClient)
    idp = Idp(
        audience=ISSUER,
        client_id=made.client.client_id,
        now=deployment.clock.now(),
    )
    return Agent(deployment, made, idp)


def trusting_policy(*issuers: TrustedIssuer) -> Policy:
    return trusting(policy_for(ISSUER), *(issuers or (an_issuer(),)))


@pytest.fixture
async def agent(deploy: Deploy) -> AsyncIterator[Agent]:
    async with deploy(policy=trusting_policy()) as opened:
        yield await an_agent(opened)


def error_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


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


@pytest.mark.requirement("M-13", "D-47", "K-14")
async def test_of_many_copies_one_becomes_a_token(agent: Agent) -> None:
    text, answers = agent.idp.assertion(), list[tuple[int, str]]()

    async def race() -> None:
        answer = await agent.present(text)
        members = answer.json()
        answers.append((answer.status_code, members.get("error", "")))

    async with trio.open_nursery() as nursery:
        for _ in range(40):
            nursery.start_soon(race)

    assert Counter(answers) == {(200, ""): 1, (400, "invalid_grant"): 39}
    page = await agent.deployment.server.list_user_grants(agent.user_id())
    assert len(page.grants) == 1


@pytest.mark.requirement("D-47")
async def test_an_assertion_stays_used_until_it_has_expired(agent: Agent) -> None:
    text = agent.idp.assertion()
    assert (await agent.present(text)).status_code == 200
    for seconds in (1, 300, 60, 3600):
        agent.deployment.clock.advance(seconds)
        assert error_of(await agent.present(text)) == (400, "invalid_grant")


@pytest.mark.requirement("D-47")
async def test_the_operator_may_let_assertions_count_more_than_once(
    deploy: Deploy,
) -> None:
    policy = trusting_policy(an_issuer(is_single_use=False))
    async with deploy(policy=policy) as opened:
        agent = await an_agent(opened)
        text = agent.idp.assertion()
        for _ in range(2):
            assert (await agent.present(text)).status_code == 200


@pytest.mark.requirement("M-13", "K-14", "D-06")
@pytest.mark.parametrize("kind", ["issuer", "client", "user"])
async def test_a_store_that_is_down_lets_nobody_in_and_blames_nobody(
    kind: str, agent: Agent
) -> None:
    text = agent.idp.assertion()
    agent.deployment.disk.failing.add(kind)
    answer = await agent.present(text)
    assert error_of(answer) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"]

    agent.deployment.disk.failing.clear()
    # Burnt or not, one more try never gives a second token.
    again = [(await agent.present(text)).status_code for _ in range(2)]
    assert again.count(200) <= 1
    assert again[1] == 400


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


# The transport of these tests leaves its body half-read when it is cancelled.
@pytest.mark.filterwarnings("ignore:Async generator 'httpx2:ResourceWarning")
@pytest.mark.requirement("M-13", "M-20", "D-08")
async def test_a_client_that_hangs_up_gets_one_token_or_none(agent: Agent) -> None:
    # At any step of the way: the grant is there whole or not at all.
    for steps in range(0, 40, 3):
        text, again = agent.idp.assertion(), list[int]()

        async def hang_up(text: str = text, steps: int = steps) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(agent.present, text)
                for _ in range(steps):
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()

        before = await agent.deployment.server.list_user_grants(agent.user_id())
        await hang_up()
        for _ in range(2):
            again.append((await agent.present(text)).status_code)
        after = await agent.deployment.server.list_user_grants(agent.user_id())
        assert again in ([200, 400], [400, 400])
        assert len(after.grants) - len(before.grants) <= 1
