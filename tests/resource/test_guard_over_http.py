"""The ends of cut streams, as a client sees them through a real HTTP server."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import TypeAlias

import httpx2
import pytest
import trio
from hypercorn.config import Config

from actor_oauth.provider.connections import serve_connections
from actor_oauth.resource import BearerGuard
from actor_oauth.resource.asgi import ASGIApp, HeaderLine, Receive, Scope, Send
from tests.mcp.protected_server import serving
from tests.resource.asgi_calls import NOW, Authority, protection, token_info

Serving: TypeAlias = Callable[[ASGIApp], AbstractAsyncContextManager[str]]

HEADERS = {"Authorization": "Bearer good"}


class LeapingClock:
    """Tells the start once, and from then on a time when every token has expired."""

    def __init__(self) -> None:
        self._asked = 0

    def now(self) -> int:
        """The time, which leaps after the first look."""
        self._asked += 1
        return NOW if self._asked == 1 else NOW + 10**6


def stream_of(*headers: HeaderLine) -> ASGIApp:
    """An application that sends one event and then keeps its answer open."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": b"data", "more_body": True})
        await trio.sleep_forever()

    return app


def guarded(app: ASGIApp) -> BearerGuard:
    return BearerGuard(
        app,
        protection=protection(),
        validate_token=Authority(token_info()).validate_token,
        clock=LeapingClock(),
    )


@asynccontextmanager
async def serving_as_the_provider_does(app: ASGIApp) -> AsyncIterator[str]:
    """Serve on connections that can cancel their request."""
    socket, bound = trio.socket.socket(), trio.Event()
    await socket.bind(("127.0.0.1", 0))
    port = socket.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{socket.detach()}"]
    config.errorlog = None
    serve = partial(serve_connections, listening=bound.set, stop=trio.sleep_forever)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, app, config)
        await bound.wait()
        yield f"http://127.0.0.1:{port}"
        nursery.cancel_scope.cancel()


SERVERS = pytest.mark.parametrize("serving", [serving, serving_as_the_provider_does])


@SERVERS
@pytest.mark.requirement("G-14")
async def test_a_cut_event_stream_ends_like_any_other(serving: Serving) -> None:
    app = stream_of((b"content-type", b"text/event-stream"))
    with trio.fail_after(60):
        async with (
            serving(guarded(app)) as base,
            httpx2.AsyncClient(timeout=60) as http,
        ):
            answer = await http.get(f"{base}/mcp", headers=HEADERS)
    assert (answer.status_code, answer.content) == (200, b"data")


@SERVERS
@pytest.mark.requirement("G-14")
async def test_a_cut_answer_of_announced_length_is_visibly_incomplete(
    serving: Serving,
) -> None:
    app = stream_of((b"content-length", b"1000"))
    with trio.fail_after(60):
        async with (
            serving(guarded(app)) as base,
            httpx2.AsyncClient(timeout=60) as http,
        ):
            with pytest.raises(httpx2.RemoteProtocolError):
                await http.get(f"{base}/mcp", headers=HEADERS)


@pytest.mark.requirement("G-14")
async def test_an_application_is_cancelled_whatever_it_does_when_its_answer_is_cut() -> (
    None
):
    ended: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def wait(name: str) -> None:
            try:
                await trio.sleep_forever()
            finally:
                ended.append(name)

        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"data", "more_body": True})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait, "child")
            await wait("parent")

    with trio.fail_after(60):
        async with (
            serving_as_the_provider_does(guarded(app)) as base,
            httpx2.AsyncClient(timeout=60) as http,
        ):
            answer = await http.get(f"{base}/mcp", headers=HEADERS)
            assert answer.content == b"data"
            # The connection is as good for the next request as it was.
            again = await http.get(f"{base}/mcp", headers=HEADERS)
    assert again.status_code == 401
    assert sorted(ended) == ["child", "parent"]
