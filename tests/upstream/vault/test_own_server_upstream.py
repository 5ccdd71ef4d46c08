"""The whole way, over real HTTP: this server as the upstream of a second instance."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
import trio
from argon2 import profiles

from actor_oauth.config import Settings
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.upstream.failures import UpstreamFault
from actor_oauth.provider import Provider, RunningProvider
from actor_oauth.provider.listening import bind
from actor_oauth.upstream.vault import Authorization, Connected, LoginRedirect, Vault
from tests.http.deployment import PASSWORD, USER, Browser, query_of, read_page
from tests.support.server_process import serving
from tests.upstream.vault.world import BROWSER, fault

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
    async with httpx2.AsyncClient(timeout=60) as outside:
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
    async with httpx2.AsyncClient(timeout=60) as client:
        answer = await client.post(
            f"{upstream}/mcp", headers={"Authorization": found.header}, json={}
        )
    assert answer.status_code not in (401, 403)
    assert query_of(str(arrived.url))["iss"] == upstream


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A second instance that reads what its clients publish, and registers nobody."""
    environment = {
        "ACTOR_OAUTH_AUTO_APPROVE": "grace",
        "ACTOR_OAUTH_LOOPBACK_DOCUMENTS": "true",
        "ACTOR_OAUTH_STRICT_ASSERTION_AUDIENCE": "true",
        "ACTOR_OAUTH_REGISTRATION_ENABLED": "false",
    }
    with serving(tmp_path_factory.mktemp("reader"), environment=environment) as server:
        yield server.url


@asynccontextmanager
async def served_vault(path: Path) -> AsyncIterator[Vault]:
    """This server on a port of its own, where others find what it publishes."""
    fd, settings = bind(
        Settings(data=path, port=0, vault_enabled=True, loopback_upstreams=True)
    )
    provider = Provider(settings)
    listening, stopping = trio.Event(), trio.Event()
    async with trio.open_nursery() as nursery:

        async def serve() -> None:
            await provider.serve(
                fd=fd, announce=lambda _: listening.set(), stopping=stopping
            )

        nursery.start_soon(serve)
        await listening.wait()
        yield provider.vault
        stopping.set()


@pytest.mark.requirement("I-11", "I-12", "I-27", "I-37", "I-40", "B-06")
async def test_it_is_known_by_its_document_and_signs_for_itself(
    tmp_path: Path, reader: str
) -> None:
    url = f"{reader}/mcp"
    async with (
        served_vault(tmp_path) as vault,
        httpx2.AsyncClient(timeout=60) as outside,
    ):
        begun = await vault.begin_login(USER, url, browser=BROWSER)
        assert isinstance(begun, LoginRedirect), begun
        client_id = query_of(begun.url)["client_id"]
        label = reader.partition("://")[2]
        assert client_id == f"{vault.policy.base_url}/signing-client/{label}"
        # The request was pushed, with an assertion that the other server has judged.
        assert set(query_of(begun.url)) == {"client_id", "request_uri"}
        back = httpx2.URL((await outside.get(begun.url)).headers["location"])
        answer = parse_form(back.query)
        assert isinstance(answer, Parameters)
        finished = await vault.finish_login(
            USER, answer, browser=BROWSER, redirect_uri=vault.policy.redirect_uri(label)
        )
        assert isinstance(finished, Connected), finished

        async def ask(header: str | None) -> int:
            headers = {"Authorization": header or ""}
            return (await outside.post(url, headers=headers, json={})).status_code

        first = await vault.get_authorization(USER, url)
        assert isinstance(first, Authorization)
        second = (await vault.refresh(USER, [url], force=True))[url]
        assert isinstance(second, Authorization)
        assert first.header != second.header
        assert await ask(second.header) not in (401, 403)
        assert await vault.remove(USER, url)
        assert await ask(second.header) == 401
        assert fault(await vault.get_authorization(USER, url)) is (
            UpstreamFault.NOT_CONNECTED
        )
