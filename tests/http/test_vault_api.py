"""The vault for programs: what a user's own token gets, and whose token gets nothing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest

from actor_oauth.actors.authorization_server import NewClient
from actor_oauth.oauth.scopes import Scope
from tests.http.deployment import (
    CHALLENGE,
    PASSWORD,
    USER,
    VERIFIER,
    WEB_CALLBACK,
    Browser,
    query_of,
    read_page,
)
from tests.http.test_vault_pages import ORIGIN, Site, open_site
from tests.support.standin import Said

API = f"{ORIGIN}/oauth/api"
RESOURCES = [{"identifier": API, "scopes": ["vault", "other"]}]


@dataclass
class Program:
    """A program with a token."""

    http: httpx2.AsyncClient
    token: str

    async def ask(self, method: str, path: str, **more: object) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.http.request(
            method,
            API + path,
            headers=headers,
            **more,  # type: ignore[arg-type]  # handed through
        )

    async def authorization(self, url: str) -> httpx2.Response:
        return await self.ask("GET", f"/authorization?{urlencode({'url': url})}")


async def authorized(
    site: Site, browser: Browser, scope: str = "vault", user: str = USER
) -> Program:
    """Go through our own authorization as a program that wants the vault."""
    created = await site.running.server.create_client(
        client_name="Agent", redirect_uris=[WEB_CALLBACK]
    )
    assert isinstance(created, NewClient)
    query = {
        "response_type": "code",
        "client_id": created.client.client_id,
        "redirect_uri": WEB_CALLBACK,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "resource": API,
        "scope": scope,
    }
    page = await browser.get(f"{ORIGIN}/authorize?{urlencode(query)}")
    while page.is_redirect or read_page(page).forms[0].action == "/login":
        if page.is_redirect:
            page = await browser.follow(page)
        else:
            page = await browser.submit(page, username=user, password=PASSWORD)
    answer = await browser.submit(page, decision="approve")
    code = query_of(read_page(answer).refresh or "")["code"]
    tokens = await browser.http.post(
        f"{ORIGIN}/token",
        data={
            "grant_type": "authorization_code",
            "client_id": created.client.client_id,
            "code": code,
            "code_verifier": VERIFIER,
            "redirect_uri": WEB_CALLBACK,
        },
    )
    return Program(browser.http, tokens.json()["access_token"])


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(
        tmp_path, vault_api=True, resources=RESOURCES, client_credentials_enabled=True
    ) as opened:
        yield opened


async def test_a_program_gets_the_header_for_a_url(site: Site) -> None:
    await site.connect()
    program = await authorized(site, site.browser)

    answer = await program.authorization(site.upstream.url + "/tools")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    members = answer.json()
    assert members["authorization"] == "Bearer access3"
    assert members["resource"] == site.upstream.url
    assert members["expires_at"] is not None


@pytest.mark.requirement("I-33")
async def test_the_list_is_of_what_a_url_belongs_to(site: Site) -> None:
    await site.connect()
    program = await authorized(site, site.browser)

    async def listed(url: str) -> int:
        answer = await program.ask("GET", f"/providers?{urlencode({'url': url})}")
        return len(answer.json()["providers"])

    assert await listed(site.upstream.url + "/tools") == 1
    assert await listed("https://elsewhere.example") == 0


@pytest.mark.requirement("I-39")
async def test_the_list_holds_metadata_and_nothing_secret(site: Site) -> None:
    await site.connect()
    program = await authorized(site, site.browser)

    answer = await program.ask("GET", "/providers")

    [provider] = answer.json()["providers"]
    assert provider["resource"] == site.upstream.url
    assert provider["name"] == "Stand-in"
    assert provider["reauthorize_url"] == site.link
    assert provider["scope"] == "read"
    assert (provider["public"], provider["needs_authorization"]) == (False, False)
    assert "access3" not in answer.text
    assert "refresh3" not in answer.text


async def test_a_program_refreshes_and_removes(site: Site) -> None:
    await site.connect()
    program = await authorized(site, site.browser)
    url = site.upstream.url

    lazy = await program.ask("POST", "/refresh", json={"urls": [url]})
    assert site.upstream.refreshes == 0
    body = {"urls": [url, "https://x.example"], "force": True}
    forced = await program.ask("POST", "/refresh", json=body)

    assert lazy.status_code == forced.status_code == 200
    results = forced.json()["results"]
    assert results[url]["resource"] == url
    assert "access" not in forced.text.replace("access_token", "")
    assert results["https://x.example"]["error"] == "not_connected"
    assert site.upstream.refreshes == 1
    where = f"/providers?{urlencode({'resource': url})}"
    assert (await program.ask("DELETE", where)).status_code == 204
    assert (await program.ask("DELETE", where)).status_code == 404
    assert site.upstream.revoked == ["refresh4", "access4"]


async def test_a_refused_token_is_reported(site: Site) -> None:
    await site.connect()
    program = await authorized(site, site.browser)
    url = site.upstream.url
    version = (await program.authorization(url)).json()["version"]

    body = {"url": url, "version": version}
    replaced = await program.ask("POST", "/rejected", json=body)

    assert replaced.json()["authorization"] == "Bearer access4"
    body = {"url": url, "version": replaced.json()["version"]}
    refused = await program.ask("POST", "/rejected", json=body)
    assert refused.status_code == 409
    assert refused.json()["error"] == "reauthorization_needed"


async def test_a_program_is_told_where_its_user_connects(site: Site) -> None:
    program = await authorized(site, site.browser)

    missing = await program.authorization(site.upstream.url)

    assert missing.status_code == 404
    assert missing.json()["error"] == "not_connected"
    assert missing.json()["login_url"] == site.link


async def test_what_may_work_later_says_when(site: Site) -> None:
    site.upstream.life = 60
    await site.connect()
    program = await authorized(site, site.browser)
    busy = Said(503, {}, ("Retry-After: 90",))
    site.upstream.answers = [busy]
    site.clock.advance(61)

    refused = await program.authorization(site.upstream.url)

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "90"
    assert refused.json()["error"] == "unreachable"
    assert "login_url" not in refused.json()


@pytest.mark.requirement("I-39")
async def test_every_user_has_a_vault_of_its_own(site: Site) -> None:
    await site.connect()
    await site.running.server.create_user("mallory", PASSWORD)
    stranger = site.stranger()
    program = await authorized(site, stranger, user="mallory")

    assert (await program.ask("GET", "/providers")).json() == {"providers": []}
    assert (await program.authorization(site.upstream.url)).status_code == 404


@pytest.mark.requirement("I-39")
async def test_a_token_without_the_scope_gets_nothing(site: Site) -> None:
    await site.connect()
    program = await authorized(site, site.browser, scope="other")

    refused = await program.authorization(site.upstream.url)

    assert refused.status_code == 403
    assert 'scope="vault"' in refused.headers["www-authenticate"]


@pytest.mark.requirement("I-39")
async def test_a_client_for_itself_has_no_vault(site: Site) -> None:
    created = await site.running.server.create_service_client(
        client_name="Robot", scope=Scope(("vault",))
    )
    assert isinstance(created, NewClient)
    tokens = await site.browser.http.post(
        f"{ORIGIN}/token",
        data={
            "grant_type": "client_credentials",
            "client_id": created.client.client_id,
            "client_secret": created.secret or "",
            "resource": API,
            "scope": "vault",
        },
    )
    program = Program(site.browser.http, tokens.json()["access_token"])

    assert (await program.ask("GET", "/providers")).status_code == 403


async def test_nobody_gets_in_without_a_token(site: Site) -> None:
    answer = await site.browser.http.get(f"{API}/providers")

    assert answer.status_code == 401
    assert "resource_metadata" in answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/authorization", None, 400),
        ("GET", "/authorization?url=", None, 400),
        ("GET", "/authorization?url=%ff", None, 400),
        ("DELETE", "/providers", None, 400),
        ("POST", "/refresh", {}, 400),
        ("POST", "/refresh", {"urls": "x"}, 400),
        (
            "POST",
            "/refresh",
            {"urls": [f"https://x.example/{n}" for n in range(101)]},
            400,
        ),
        ("POST", "/rejected", {"url": "https://x.example"}, 400),
        ("POST", "/rejected", {"version": "1.2"}, 400),
        ("POST", "/rejected", {"url": "https://x.example", "version": "1.x"}, 400),
        ("POST", "/rejected", {"url": "https://x.example", "version": "1.2"}, 404),
        ("GET", "/refresh", None, 405),
        ("GET", "/other", None, 404),
        ("GET", "", None, 404),
    ],
)
async def test_what_is_not_understood_is_refused(
    site: Site, method: str, path: str, body: object, status: int
) -> None:
    program = await authorized(site, site.browser)

    answer = await program.ask(method, path, **({} if body is None else {"json": body}))

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
