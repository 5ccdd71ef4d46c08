"""The userinfo endpoint over HTTP: who is told what, and until when."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace

import pytest
import trio

from actor_oauth.actors.authorization_server import NewClient
from actor_oauth.actors.callbacks import Callbacks, ExternalToken
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.scopes import Scope
from tests.http.deployment import ISSUER, Deploy, Deployment
from tests.http.dpop.bound import code_form, posted, proof_for
from tests.http.openid.signing_in import ON, RESOURCE, USERINFO, ask, signed_in
from tests.support.dpop import a_proof_key

TASKS = 16


@pytest.mark.requirement("J-13", "J-16")
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_it_says_who_the_user_is(openid: Deployment, method: str) -> None:
    _, tokens = await signed_in(openid)

    answer = await ask(openid, tokens["access_token"], method=method)

    assert answer.status_code == 200
    assert answer.json() == {"sub": "ada", "preferred_username": "ada"}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.requirement("G-11", "C-09")
async def test_a_token_for_a_resource_will_do_if_openid_was_granted(
    openid: Deployment,
) -> None:
    _, tokens = await signed_in(openid, scope="openid notes:read")
    assert tokens["resource"] == RESOURCE

    answer = await ask(openid, tokens["access_token"])

    assert (answer.status_code, answer.json()) == (200, {"sub": "ada"})
    _, without = await signed_in(openid, scope="notes:read")
    refused = await ask(openid, without["access_token"])
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]


@pytest.mark.requirement("G-02", "G-03", "G-04")
async def test_a_token_counts_in_the_header_only(openid: Deployment) -> None:
    _, tokens = await signed_in(openid)
    token = tokens["access_token"]

    for refused in (
        await ask(openid, None),
        await ask(openid, None, query=f"?access_token={token}"),
        await ask(openid, None, method="POST", body={"access_token": token}),
    ):
        assert refused.status_code == 401
        assert "error=" not in refused.headers["www-authenticate"]
    both = await ask(openid, token, query=f"?access_token={token}")
    assert both.status_code == 400


@pytest.mark.requirement("G-05", "D-33")
async def test_a_token_that_is_not_a_users_tells_nothing(deploy: Deploy) -> None:
    """Client credentials, an ID token, a refresh token, and noise."""
    policy = replace(ON, client_credentials_enabled=True)
    async with deploy(policy=policy) as deployment:
        made = await deployment.server.create_service_client(
            client_name="Batch", scope=Scope(("notes:read",))
        )
        assert isinstance(made, NewClient)
        pair = f"{made.client.client_id}:{made.secret}"
        own = await deployment.post(
            "/token",
            {"grant_type": "client_credentials"},
            Authorization="Basic " + b64encode(pair.encode()).decode(),
        )
        _, tokens = await signed_in(deployment)
        for token in (
            own.json()["access_token"],
            tokens["id_token"],
            tokens["refresh_token"],
            "aoat_noise",
            "e30.e30.AA",
        ):
            refused = await ask(deployment, token)
            assert refused.status_code == 401, token
            assert 'error="invalid_token"' in refused.headers["www-authenticate"]
        asked = await deployment.post(
            "/token",
            {"grant_type": "client_credentials", "scope": "openid"},
            Authorization="Basic " + b64encode(pair.encode()).decode(),
        )
        assert asked.json()["error"] == "invalid_scope"


@pytest.mark.requirement("G-14", "H-11", "M-6")
@pytest.mark.parametrize("revoked", ["access_token", "refresh_token"])
async def test_once_revoked_a_token_tells_nothing(
    openid: Deployment, revoked: str
) -> None:
    client, tokens = await signed_in(openid)
    token = tokens["access_token"]
    codes: list[int] = []

    async def check() -> None:
        codes.append((await ask(openid, token)).status_code)

    async def revoke() -> None:
        form = {"client_id": client["client_id"], "token": tokens[revoked]}
        assert (await openid.post("/revoke", form)).status_code == 200

    async with trio.open_nursery() as nursery:
        for number in range(TASKS):
            nursery.start_soon(revoke if number == TASKS // 2 else check)

    assert set(codes) <= {200, 401}
    assert (await ask(openid, token)).status_code == 401


@pytest.mark.requirement("F-05", "F-06", "F-11", "F-12")
async def test_a_bound_token_comes_with_a_proof_once(openid: Deployment) -> None:
    key = a_proof_key()
    client = await openid.register()
    code = await openid.code(client, scope="openid")
    answer = await posted(openid, code_form(client, code), proof_for(openid, key))
    token = answer.json()["access_token"]

    def proof(method: str = "GET") -> str:
        now = openid.clock.now()
        return key.proof(method, USERINFO, now=now, access_token=token)

    first = proof()
    good = await ask(openid, token, scheme="DPoP", DPoP=first)
    again = await ask(openid, token, scheme="DPoP", DPoP=first)
    other_verb = await ask(openid, token, scheme="DPoP", DPoP=proof("POST"))
    posted_ = await ask(openid, token, scheme="DPoP", method="POST", DPoP=proof("POST"))
    bare = await ask(openid, token)

    assert (good.status_code, good.json()) == (200, {"sub": "ada"})
    assert posted_.status_code == 200
    for refused in (again, other_verb):
        assert refused.status_code == 401
        bearer, dpop = refused.headers.get_list("www-authenticate")
        assert bearer.startswith("Bearer ")
        assert 'error="invalid_dpop_proof"' in dpop
    assert bare.status_code == 401
    assert 'error="invalid_token"' in bare.headers["www-authenticate"]


@pytest.mark.requirement("F-13")
async def test_a_proof_needs_a_nonce_where_that_is_on(deploy: Deploy) -> None:
    key = a_proof_key()
    async with deploy(policy=replace(ON, dpop_nonces_required=True)) as deployment:
        client = await deployment.register()
        code = await deployment.code(client, scope="openid")
        form = code_form(client, code)
        wanted = await posted(deployment, form, proof_for(deployment, key))
        key.nonce = wanted.headers["dpop-nonce"]
        tokens = (await posted(deployment, form, proof_for(deployment, key))).json()
        token, now = tokens["access_token"], deployment.clock.now()
        key.nonce = None

        first = key.proof("GET", USERINFO, now=now, access_token=token)
        wanted = await ask(deployment, token, scheme="DPoP", DPoP=first)
        key.nonce = wanted.headers["dpop-nonce"]
        second = key.proof("GET", USERINFO, now=now, access_token=token)
        answer = await ask(deployment, token, scheme="DPoP", DPoP=second)

    assert wanted.status_code == 401
    assert 'error="use_dpop_nonce"' in wanted.headers.get_list("www-authenticate")[1]
    assert answer.status_code == 200


@pytest.mark.requirement("J-14", "J-15")
async def test_scripts_of_any_origin_may_ask(openid: Deployment) -> None:
    answer = await openid.browser().http.options("/userinfo")

    assert answer.status_code == 204
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert "Authorization" in answer.headers["access-control-allow-headers"]


async def test_the_application_says_what_it_knows_of_its_user(deploy: Deploy) -> None:
    asked: list[tuple[str, str]] = []

    async def resolve_claims(user_id: str, scope: Scope) -> Mapping[str, Json]:
        asked.append((user_id, str(scope)))
        return {"sub": "eve", "name": "Ada L.", "email": "ada@h.example", "groups": []}

    async with deploy(
        policy=ON, callbacks=Callbacks(resolve_claims=resolve_claims)
    ) as deployment:
        _, tokens = await signed_in(deployment, scope="openid profile")
        answer = await ask(deployment, tokens["access_token"])

    assert asked == [("ada", "openid profile")]
    assert answer.json() == {
        "sub": "ada",
        "preferred_username": "ada",
        "name": "Ada L.",
        "groups": [],
    }


@pytest.mark.requirement("D-06")
async def test_an_application_that_fails_costs_nobody_a_token(deploy: Deploy) -> None:
    failures: list[Exception | Mapping[str, Json]] = [
        RuntimeError("no directory"),
        {"x": float("nan")},
        trio.TooSlowError(),
    ]

    async def resolve_claims(user_id: str, scope: Scope) -> Mapping[str, Json]:
        failure = failures[0]
        if isinstance(failure, Exception):
            raise failure
        return failure

    async with deploy(
        policy=ON, callbacks=Callbacks(resolve_claims=resolve_claims)
    ) as deployment:
        _, tokens = await signed_in(deployment)
        statuses = []
        while failures:
            statuses.append((await ask(deployment, tokens["access_token"])).status_code)
            failures.pop(0)

    assert statuses == [500, 500, 503]


async def test_a_token_of_another_server_is_none_here(deploy: Deploy) -> None:
    async def resolve(token: str, resource: str) -> ExternalToken:
        return ExternalToken(
            user_id="ada",
            client_id="c",
            scope=Scope(("openid",)),
            resource=resource,
            expires_at=2**40,
        )

    callbacks = Callbacks(resolve_external_token=resolve)
    async with deploy(policy=ON, callbacks=callbacks) as deployment:
        assert (await ask(deployment, "theirs")).status_code == 401
        assert await deployment.server.validate_token(f"{ISSUER}/mcp", "theirs")
