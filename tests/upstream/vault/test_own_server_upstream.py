"""The whole way, over real HTTP: this server as the upstream of a second instance."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from argon2 import profiles

from actor_oauth.config import Settings
from actor_oauth.provider import Provider, RunningProvider
from actor_oauth.upstream.vault import Authorization
from tests.http.deployment import PASSWORD, USER, Browser, query_of, read_page
from tests.support.server_process import serving

ORIGIN = "http://127.0.0.1:8000"


@pytest.fixture(autouse=True)
def weak_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "RFC_9106_LOW_MEMORY", profiles.CHEAPEST)


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A second instance in a process of its own, where `grace` is signed in."""
    environment = {
        "ACTOR_OAUTH_AUTO_APPROVE": "grace",
        "ACTOR_OAUTH_CLIENT_METADATA_DOCUMENTS_ENABLED": "false",
    }
    with serving(
        tmp_path_factory.mktemp("upstream"), environment=environment
    ) as server:
        yield server.url


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningProvider]:
    settings = Settings(
        data=tmp_path, issuer=ORIGIN, vault_enabled=True, loopback_upstreams=True
    )
    async with Provider(settings).open() as opened:
        await opened.server.create_user(USER, PASSWORD)
        yield opened


async def connect(browser: Browser, url: str) -> httpx2.Response:
    """Go the whole way; gives where the browser ends up."""
    page = await browser.get(f"{ORIGIN}/oauth/login?url={url}")
    page = await browser.follow(await browser.sign_in(page))
    departure = await browser.submit(page)
    leave = read_page(departure).refresh
    assert leave is not None, departure.text
    async with httpx2.AsyncClient() as outside:
        back = await outside.get(leave)
    assert back.status_code == 302, back.text
    return await browser.get(back.headers["location"])


@pytest.mark.requirement("I-16", "I-21", "I-22", "I-23", "I-33")
async def test_a_service_is_connected_and_its_token_works(
    running: RunningProvider, upstream: str
) -> None:
    browser = Browser(running.app, ORIGIN, address="203.0.113.5")

    arrived = await connect(browser, f"{upstream}/mcp")

    assert arrived.status_code == 303
    assert arrived.headers["location"] == f"{ORIGIN}/oauth/connections?done=connected"
    page = await browser.follow(arrived)
    assert f"{upstream}/mcp" in page.text
    assert running.vault is not None
    found = await running.vault.get_authorization(USER, f"{upstream}/mcp/tools?x=1")
    assert isinstance(found, Authorization)
    assert found.header is not None
    async with httpx2.AsyncClient() as client:
        answer = await client.post(
            f"{upstream}/mcp", headers={"Authorization": found.header}, json={}
        )
    assert answer.status_code not in (401, 403)
    assert query_of(str(arrived.url))["iss"] == upstream
