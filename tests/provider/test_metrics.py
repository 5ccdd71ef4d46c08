"""What is counted, under which names, and what a stranger cannot make of it."""

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx2
import pytest
import trio
from prometheus_client import values
from prometheus_client.parser import text_string_to_metric_families
from trio.testing import MockClock, wait_all_tasks_blocked

from actor_oauth.actors.authorization_server import NewClient
from actor_oauth.actors.callbacks import ObservedError
from actor_oauth.config import ConfigError, ResourceSettings, Settings
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope as TokenScope
from actor_oauth.provider import Provider, RunningProvider
from actor_oauth.provider.listening import bind_metrics
from actor_oauth.provider.metrics import Metrics, scrape_app
from actor_oauth.provider.metrics.counting import SAMPLE_SECONDS
from actor_oauth.provider.metrics.endpoints import ENDPOINTS
from actor_oauth.provider.metrics.scraping import serving_scrapes
from actor_oauth.provider.metrics.workers import (
    FILE_BYTES,
    WorkerFiles,
    metrics_of_worker,
)
from actor_oauth.resource.asgi import ASGIApp, Message, Receive, Scope, Send
from tests.http.deployment import Browser

ORIGIN: Final = "http://127.0.0.1:8000"
STRANGE: Final = "mallory-was-here"
Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: bytes) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def sample(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"actor_oauth_{name}", frozenset(labels.items())]


def requests(samples: Samples, endpoint: str, status: str) -> float:
    return sample(samples, "http_requests_total", endpoint=endpoint, status=status)


async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ValueError("a bug of the application")


@asynccontextmanager
async def opened(
    data: Path, *, path: str = "", pages: ASGIApp | None = None
) -> AsyncIterator[RunningProvider]:
    """A provider with everything on that has paths of its own."""
    issuer = ORIGIN + path
    resource = ResourceSettings(identifier=f"{issuer}/mcp", scopes=("mcp",))
    settings = Settings(
        data=data,
        issuer=issuer,
        resources=(resource,),
        vault_enabled=True,
        client_credentials_enabled=True,
    )
    own_pages = pages
    provider = Provider(
        settings, pages=None if own_pages is None else lambda _server: own_pages
    )
    provider.protect(broken, path=f"{path}/mcp")
    async with provider.open() as running:
        yield running


def browser(app: ASGIApp) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url=ORIGIN)


@pytest.mark.parametrize("path", ["", "/login"])
async def test_a_path_is_counted_under_a_name_that_nobody_chose(
    tmp_path: Path, path: str
) -> None:
    metrics = Metrics()
    names = {
        "/.well-known/oauth-authorization-server" + path: "metadata",
        f"/.well-known/{STRANGE}": "metadata",
        f"{path}/mcp": "guard",
        f"{path}/mcp/{STRANGE}": "guard",
        f"{path}/mcp-{STRANGE}": "other",
        f"{path}/oauth/connections": "vault",
        f"{path}/oauth-{STRANGE}": "other",
        f"{path}/health": "health",
        f"{path}/login/{STRANGE}": "login",
        f"{path}/{STRANGE}": "other",
        f"{path}/token": "token",
        f"{path}/token/{STRANGE}": "token",
        f"{path}//token": "other",
        f"/elsewhere/{STRANGE}": "other",
    }
    async with (
        opened(tmp_path, path=path) as running,
        browser(metrics.around(running)) as http,
    ):
        for asked in names:
            await http.get(asked)
    samples = parsed(metrics.text())
    counts = {
        name: sample(samples, "http_request_duration_seconds_count", endpoint=name)
        for name in set(names.values())
    }
    expected = list(names.values())
    assert counts == {name: expected.count(name) for name in counts}
    assert counts.keys() <= ENDPOINTS
    assert STRANGE.encode() not in metrics.text()


async def test_tokens_and_refusals_are_counted_in_words_of_this_server(
    tmp_path: Path,
) -> None:
    metrics = Metrics()
    async with opened(tmp_path) as running:
        made = await running.server.create_service_client(
            client_name="Robot", scope=TokenScope(("mcp",))
        )
        assert isinstance(made, NewClient)
        pair = f"{made.client.client_id}:{made.secret}"
        robot = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        http = Browser(metrics.around(running), ORIGIN, address="203.0.113.5").http
        for grant_type in ("client_credentials", STRANGE, "client_credentials"):
            form = {"grant_type": grant_type, "scope": "mcp"}
            await http.post(f"{ORIGIN}/token", data=form, headers=robot)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(metrics.sample, running)
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        running.server.refusals.note(Refused(Reason.REFRESH_REPLAYED), "token")
        running.server.refusals.observe(
            ObservedError(
                endpoint=STRANGE,
                reason=STRANGE,
                category=STRANGE,
                status=400,
                client_id=STRANGE,
                detail=STRANGE,
            )
        )
    samples = parsed(metrics.text())
    assert sample(samples, "actors_in_memory") >= 1
    issued = "tokens_issued_total"
    assert sample(samples, issued, grant_type="client_credentials") == 2
    for reason in ("grant_type_unsupported", "refresh_replayed", "other"):
        assert sample(samples, "refusals_total", reason=reason) == 1
    assert requests(samples, "token", "200") == 2
    assert requests(samples, "token", "400") == 1
    assert STRANGE.encode() not in metrics.text()
    assert made.secret is not None
    assert made.secret.encode() not in metrics.text()


async def test_an_answer_that_never_came_counts_as_the_500_that_the_server_gives(
    tmp_path: Path,
) -> None:
    metrics = Metrics()
    async with opened(tmp_path, pages=broken) as running:
        app = metrics.around(running)
        async with browser(app) as http:
            assert (await http.get("/anything")).status_code == 500

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(_message: Message) -> None:
            raise AssertionError("nothing is to be sent")

        with pytest.raises(ValueError, match="bug"):
            await app({"type": "websocket", "path": "/"}, receive, send)
    assert requests(parsed(metrics.text()), "other", "500") == 1


async def test_an_answer_that_breaks_off_counts_as_it_began(tmp_path: Path) -> None:
    async def break_off(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("a bug of the application")

    metrics = Metrics()
    async with opened(tmp_path) as running:
        app = metrics.around(_with_app(running, break_off))
        async with browser(app) as http:
            await http.get("/anything")
    samples = parsed(metrics.text())
    assert requests(samples, "other", "200") == 1
    assert sample(samples, "http_request_duration_seconds_count", endpoint="other") == 1


async def test_only_until_the_answer_begins_is_measured_and_streams_are_under_way(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async def stream(scope: Scope, _receive: Receive, send: Send) -> None:
        await trio.sleep(0.3)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await trio.sleep(3 * SAMPLE_SECONDS)
        await send({"type": "http.response.body", "body": b""})

    metrics = Metrics()
    async with opened(tmp_path) as running, trio.open_nursery() as nursery:
        nursery.start_soon(metrics.sample, running)
        app = metrics.around(_with_app(running, stream))
        async with browser(app) as http:
            nursery.start_soon(http.get, "/anything")
            await trio.sleep(2 * SAMPLE_SECONDS)
            samples = parsed(metrics.text())
            assert sample(samples, "http_requests_in_flight") == 1
            await trio.sleep(3 * SAMPLE_SECONDS)
        nursery.cancel_scope.cancel()
    samples = parsed(metrics.text())
    assert sample(samples, "http_requests_in_flight") == 0
    assert sample(samples, "long_turns_total") == 0
    took = sample(samples, "http_request_duration_seconds_sum", endpoint="other")
    assert took == pytest.approx(0.3)


def _with_app(running: RunningProvider, app: ASGIApp) -> RunningProvider:
    return RunningProvider(
        server=running.server,
        app=app,
        data=Path(),
        guards=running.guards,
        guarded_paths=running.guarded_paths,
        endpoints=running.endpoints,
    )


@pytest.fixture
def _counting_in_memory_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what a worker's process does to the library."""
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")


@pytest.mark.usefixtures("_counting_in_memory_after")
async def test_a_worker_counts_on_where_the_one_before_it_ended_in_the_room_it_has(
    tmp_path: Path,
) -> None:
    with WorkerFiles.open() as files:
        async with opened(tmp_path) as running:
            for number in (0, 1, 0):
                metrics = metrics_of_worker(files.directory, number)
                async with (
                    browser(metrics.around(running)) as http,
                    trio.open_nursery() as nursery,
                ):
                    nursery.start_soon(metrics.sample, running)
                    await http.get("/health")
                    nursery.cancel_scope.cancel()
        samples = parsed(files.text())
        assert requests(samples, "health", "200") == 3
        assert sample(samples, "http_requests_in_flight") == 0
        for number in (0, 1):
            files.ended(number)
        samples = parsed(files.text())
        assert requests(samples, "health", "200") == 3
        assert ("actor_oauth_http_requests_in_flight", frozenset()) not in samples
        assert len(list(files.directory.iterdir())) == 4
    assert not files.directory.exists()


@pytest.mark.usefixtures("_counting_in_memory_after")
def test_every_label_there_is_fits_into_the_room_that_was_kept(tmp_path: Path) -> None:
    metrics = metrics_of_worker(tmp_path, 0)
    for endpoint in ENDPOINTS:
        for status in range(400, 430):
            metrics._answered(endpoint, status, 0.1)
    for reason in Reason:
        metrics._refused(
            ObservedError(
                endpoint="",
                reason=str(reason),
                category="",
                status=400,
                client_id=None,
                detail=None,
            )
        )
    files = list(tmp_path.iterdir())
    assert files
    for file in files:
        assert file.stat().st_size == FILE_BYTES
        assert file.stat().st_blocks * 512 >= FILE_BYTES


def test_no_room_for_the_files_of_workers_is_said_by_the_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    with (
        pytest.raises(ConfigError, match="metrics_port: no room for temporary files"),
        WorkerFiles.open(),
    ):
        pass


async def test_a_scraper_is_answered_at_one_path_and_by_one_method() -> None:
    app = scrape_app(lambda: b"text")
    async with browser(app) as http:
        answer = await http.get("/metrics")
        assert (answer.status_code, answer.content) == (200, b"text")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        head = await http.head("/metrics")
        assert (head.content, head.headers["content-length"]) == (b"", "4")
        assert (await http.post("/metrics")).headers["allow"] == "GET, HEAD"
        assert (await http.get("/")).status_code == 404


async def test_a_scrape_that_fails_ends_itself_and_not_the_listener() -> None:
    texts = iter([b"first"])
    fd, settings = bind_metrics(Settings(metrics_port=0))
    assert fd is not None
    async with (
        serving_scrapes(lambda: next(texts), fd=fd),
        httpx2.AsyncClient() as http,
    ):
        url = f"http://127.0.0.1:{settings.metrics_port}/metrics"
        assert (await http.get(url)).text == "first"
        assert (await http.get(url)).status_code == 500
        texts = iter([b"second"])
        assert (await http.get(url)).text == "second"


async def test_a_scrapers_application_has_nothing_to_set_up_and_no_websockets() -> None:
    app = scrape_app(lambda: b"")
    events = iter(["lifespan.startup", "lifespan.shutdown"])
    sent: list[object] = []

    async def receive() -> Message:
        return {"type": next(events)}

    async def send(message: Message) -> None:
        sent.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    events = iter(["websocket.connect"])
    await app({"type": "websocket", "path": "/metrics"}, receive, send)
    assert len(sent) == 2


async def test_whether_it_answers_is_told_to_anybody_and_kept_by_nobody(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as running, browser(running.app) as http:
        answer = await http.get("/health")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
        assert (await http.post("/health")).status_code == 405


async def test_an_application_with_pages_of_its_own_may_have_its_own_there(
    tmp_path: Path,
) -> None:
    async def pages(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"mine"})

    async with opened(tmp_path, pages=pages) as running, browser(running.app) as http:
        assert (await http.get("/health")).content == b"mine"
