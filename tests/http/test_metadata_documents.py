"""Clients that are known by the URL of their document, over HTTP."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import trio

from actor_oauth.oauth.json_values import Json
from tests.http.deployment import (
    ISSUER,
    VERIFIER,
    WEB_CALLBACK,
    Deploy,
    Deployment,
    policy_for,
    query_of,
    read_page,
)
from tests.support.signing import Signer, signer
from tests.support.web import Web, open_web, reply

CLIENT_ID = "https://chatgpt.example/oauth/abc/client.json"
PAGE = "chatgpt.example/oauth/abc/client.json"
KEYS_PAGE = "chatgpt.example/oauth/jwks.json"
POLICY = replace(policy_for(ISSUER), metadata_documents_enabled=True)
DOCUMENT: dict[str, Json] = {
    "client_id": CLIENT_ID,
    "client_name": "Published Client",
    "redirect_uris": [WEB_CALLBACK, "http://127.0.0.1/"],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "none",
}
WITH_KEY: dict[str, Json] = {
    **DOCUMENT,
    "token_endpoint_auth_method": "private_key_jwt",
    "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
    "token_endpoint_auth_signing_alg": "RS256",
    "jwks_uri": "https://chatgpt.example/oauth/jwks.json",
}
CLIENT = {"client_id": CLIENT_ID}


@asynccontextmanager
async def published(
    deploy: Deploy, document: dict[str, Json]
) -> AsyncIterator[tuple[Deployment, Web]]:
    async with (
        open_web("chatgpt.example") as web,
        deploy(policy=POLICY, fetcher=web.fetcher()) as deployment,
    ):
        web.pages[PAGE] = reply(json.dumps(document).encode())
        web.pages[KEYS_PAGE] = reply(json.dumps(signer("RS256").jwks()).encode())
        yield deployment, web


def assertion(deployment: Deployment, ours: Signer | None = None, **more: Json) -> str:
    now = deployment.clock.now()
    claims: dict[str, Json] = {
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "aud": f"{ISSUER}/token",
        "iat": now,
        "exp": now + 300,
        "jti": f"{trio.current_time()}",
        **more,
    }
    return (ours or signer("RS256")).sign(claims)


def proof(text: str) -> dict[str, str]:
    return {
        "client_assertion_type": (
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        ),
        "client_assertion": text,
    }


def code_form(code: str, **more: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "client_id": CLIENT_ID,
        "code": code,
        "code_verifier": VERIFIER,
        "redirect_uri": WEB_CALLBACK,
        **more,
    }


@pytest.mark.requirement("B-06", "B-08", "B-11", "A-05", "B-20")
async def test_a_client_that_nobody_registered_goes_the_whole_way(
    deploy: Deploy,
) -> None:
    async with published(deploy, DOCUMENT) as (deployment, web):
        path = "/.well-known/oauth-authorization-server"
        metadata = (await deployment.browser().get(path)).json()
        assert metadata["client_id_metadata_document_supported"] is True
        assert "none" in metadata["token_endpoint_auth_methods_supported"]

        browser = deployment.browser()
        page = await browser.consent_page(deployment.authorize_url(CLIENT))
        assert "Published Client" in page.text
        answer = await browser.submit(page, decision="approve")
        code = query_of(read_page(answer).refresh or "")["code"]
        tokens = (await deployment.redeem(CLIENT, code)).json()
        form = {
            "grant_type": "refresh_token",
            "refresh_token": tokens["refresh_token"],
            **CLIENT,
        }
        refreshed = await deployment.post("/token", form)
        assert refreshed.status_code == 200, refreshed.text
        assert web.count(PAGE) == 1
        # Another installation of the same client leaves the first one's grant alone.
        elsewhere = "http://127.0.0.1:33418/"
        code = await deployment.code(CLIENT, redirect_uri=elsewhere)
        other = code_form(code, redirect_uri=elsewhere)
        assert (await deployment.post("/token", other)).status_code == 200
        form["refresh_token"] = refreshed.json()["refresh_token"]
        assert (await deployment.post("/token", form)).status_code == 200


@pytest.mark.requirement("B-17")
@pytest.mark.parametrize(
    "answer",
    [
        reply(b"{}", status="404 Not Found"),
        reply(b"{}", "Location: https://evil.example/", status="302 Found"),
        reply(b"internal secret of the other server", media_type="text/plain"),
        reply(json.dumps({**DOCUMENT, "client_id": "https://evil.example/x"}).encode()),
        reply(b" " * 6000),
    ],
)
async def test_a_document_that_cannot_be_used_tells_nothing_to_anybody(
    deploy: Deploy, answer: bytes
) -> None:
    async with published(deploy, DOCUMENT) as (deployment, web):
        web.pages[PAGE] = answer

        page = await deployment.browser().get(deployment.authorize_url(CLIENT))
        assert page.status_code == 400
        assert "location" not in page.headers
        token = await deployment.post("/token", code_form("x"))
        assert token.status_code == 401
        unknown = await deployment.post(
            "/token", {**code_form("x"), "client_id": "unknown"}
        )
        assert token.content == unknown.content
        for shown in (page.text, token.text):
            assert "secret" not in shown
            assert "evil" not in shown
        revoke = await deployment.post("/revoke", {"token": "x", **CLIENT})
        assert revoke.status_code == 401


@pytest.mark.requirement("B-14", "B-17")
@pytest.mark.parametrize(
    "client_id",
    [
        "https://127.0.0.1/client.json",
        "https://[::1]/client.json",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/x",
        "https://inner.example/client.json",
        "http://chatgpt.example/oauth/abc/client.json",
        "https://chatgpt.example/a/../oauth/abc/client.json",
        "https://chatgpt.example/",
        "https://chatgpt.example/x#y",
    ],
)
async def test_a_client_id_reaches_nothing_but_the_public_web(
    deploy: Deploy, client_id: str
) -> None:
    async with published(deploy, DOCUMENT) as (deployment, web):
        web.names["inner.example"] = [["10.0.0.1"]]
        url = deployment.authorize_url({"client_id": client_id})
        assert (await deployment.browser().get(url)).status_code == 400
        assert not web.dialled


@pytest.mark.requirement("B-19", "B-04")
async def test_a_redirect_uri_that_the_client_has_withdrawn_gets_no_code(
    deploy: Deploy,
) -> None:
    async with published(deploy, DOCUMENT) as (deployment, web):
        web.pages[PAGE] = reply(
            json.dumps(DOCUMENT).encode(), "Cache-Control: max-age=90"
        )
        browser = deployment.browser()
        page = await browser.consent_page(deployment.authorize_url(CLIENT))
        changed = {**DOCUMENT, "redirect_uris": ["https://chatgpt.example/new"]}
        web.pages[PAGE] = reply(json.dumps(changed).encode())
        deployment.clock.advance(90)
        answer = await browser.submit(page, decision="approve")
        assert "code=" not in answer.text
        assert answer.status_code == 400


@pytest.mark.requirement("B-06")
async def test_switched_off_a_url_is_an_unknown_client(deploy: Deploy) -> None:
    async with (
        open_web("chatgpt.example") as web,
        deploy(policy=policy_for(ISSUER), fetcher=web.fetcher()) as deployment,
    ):
        web.pages[PAGE] = reply(json.dumps(DOCUMENT).encode())
        page = await deployment.browser().get(deployment.authorize_url(CLIENT))
        assert page.status_code == 400
        assert (await deployment.post("/token", code_form("x"))).status_code == 401
        assert not web.requests


@pytest.mark.requirement("B-12", "E-01", "E-10", "E-13", "E-14")
async def test_a_client_with_a_key_signs_every_request(deploy: Deploy) -> None:
    async with published(deploy, WITH_KEY) as (deployment, web):
        code = await deployment.code(CLIENT)
        bare = await deployment.post("/token", code_form(code))
        assert bare.status_code == 401

        good = assertion(deployment)
        answer = await deployment.post("/token", code_form(code, **proof(good)))
        assert answer.status_code == 200, answer.text
        refresh = {
            "grant_type": "refresh_token",
            "refresh_token": answer.json()["refresh_token"],
        }
        # The assertion says who the client is, and says it once.
        replayed = await deployment.post("/token", {**refresh, **proof(good)})
        assert replayed.status_code == 401
        assert replayed.json()["error"] == "invalid_client"
        new = assertion(deployment, aud=ISSUER, jti="2")
        refreshed = await deployment.post("/token", {**refresh, **proof(new)})
        assert refreshed.status_code == 200, refreshed.text
        token = {"token": refreshed.json()["access_token"]}
        asked = {**token, **proof(assertion(deployment, jti="3"))}
        introspected = await deployment.post("/introspect", asked)
        assert introspected.json()["active"] is True
        ended = {**token, **proof(assertion(deployment, jti="4"))}
        assert (await deployment.post("/revoke", ended)).status_code == 200
        assert web.count(PAGE) == 1
        assert web.count(KEYS_PAGE) == 1


@pytest.mark.requirement("E-10", "E-11", "E-12")
async def test_a_forged_or_foreign_assertion_consumes_nothing(deploy: Deploy) -> None:
    async with published(deploy, WITH_KEY) as (deployment, _):
        code = await deployment.code(CLIENT)
        attacker = signer("RS256", nth=1)
        for text in (
            assertion(deployment, attacker),
            assertion(deployment, aud="https://evil.example"),
            assertion(deployment, aud=[ISSUER, "https://evil.example"]),
            assertion(deployment, exp=deployment.clock.now() + 100_000),
            assertion(deployment, exp=deployment.clock.now() - 100),
            assertion(deployment, sub="https://evil.example/client.json"),
            "x.y.z",
        ):
            form = code_form(code, **proof(text))
            answer = await deployment.post("/token", form)
            assert answer.status_code in {400, 401}
            assert answer.json()["error"] in {"invalid_client", "invalid_request"}
        answer = await deployment.post(
            "/token", code_form(code, **proof(assertion(deployment, jti="good")))
        )
        assert answer.status_code == 200


@pytest.mark.requirement("E-13", "M-13")
async def test_of_many_copies_of_an_assertion_one_counts(deploy: Deploy) -> None:
    async with published(deploy, WITH_KEY) as (deployment, web):
        form = {"token": "x", **proof(assertion(deployment))}
        statuses: list[int] = []

        async def revoke(number: int) -> None:
            http = deployment.browser(f"198.51.100.{number}").http
            answer = await http.post(f"{ISSUER}/revoke", data=form)
            statuses.append(answer.status_code)

        async with trio.open_nursery() as nursery:
            for number in range(32):
                nursery.start_soon(revoke, number)
        assert sorted(statuses) == [200] + [401] * 31
        assert web.count(PAGE) == 1
        assert web.count(KEYS_PAGE) == 1


@pytest.mark.requirement("E-14")
async def test_a_client_that_changed_its_key_is_known_by_the_new_one(
    deploy: Deploy,
) -> None:
    async with published(deploy, WITH_KEY) as (deployment, web):
        first = {"token": "x", **proof(assertion(deployment))}
        assert (await deployment.post("/revoke", first)).status_code == 200
        new = signer("RS256", kid="k2")
        web.pages[KEYS_PAGE] = reply(json.dumps(new.jwks()).encode())
        deployment.clock.advance(61)
        second = {"token": "x", **proof(assertion(deployment, new, jti="2"))}
        assert (await deployment.post("/revoke", second)).status_code == 200
        old = {"token": "x", **proof(assertion(deployment, jti="3"))}
        assert (await deployment.post("/revoke", old)).status_code == 401


@pytest.mark.requirement("E-10", "B-24")
@pytest.mark.parametrize("by_reference", [False, True])
async def test_a_client_may_register_its_keys(
    deploy: Deploy, by_reference: bool
) -> None:
    ours = signer("ES256")
    where: dict[str, object] = {"jwks": ours.jwks()}
    if by_reference:
        where = {"jwks_uri": "https://chatgpt.example/oauth/jwks.json"}
    async with published(deploy, DOCUMENT) as (deployment, web):
        web.pages[KEYS_PAGE] = reply(json.dumps(ours.jwks()).encode())
        client = await deployment.register(method="private_key_jwt", **where)
        assert "client_secret" not in client
        who = client["client_id"]
        form = {
            "token": "x",
            **proof(assertion(deployment, ours, iss=who, sub=who)),
        }
        assert (await deployment.post("/revoke", form)).status_code == 200
        assert (await deployment.post("/revoke", form)).status_code == 401
        bare = {"token": "x", "client_id": who}
        assert (await deployment.post("/revoke", bare)).status_code == 401


@pytest.mark.requirement("E-07", "E-10", "E-14")
async def test_an_assertion_is_worth_nothing_without_a_registered_key(
    deploy: Deploy,
) -> None:
    ours = signer("ES256")
    async with published(deploy, DOCUMENT) as (deployment, web):
        public = await deployment.register()
        unreachable = await deployment.register(
            method="private_key_jwt", jwks_uri="https://nowhere.example/jwks.json"
        )
        for who in (public["client_id"], unreachable["client_id"], "aocl_unknown"):
            form = {
                "token": "x",
                **proof(assertion(deployment, ours, iss=who, sub=who)),
            }
            answer = await deployment.post("/revoke", form)
            assert answer.status_code == 401
            assert answer.json()["error"] == "invalid_client"
        web.pages[PAGE] = reply(b"{}", status="404 Not Found")
        gone = {"token": "x", **proof(assertion(deployment))}
        assert (await deployment.post("/revoke", gone)).status_code == 401
