"""A server whose answers are a test's, and what comes over a socket from it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import trio
import trio.testing
from hypercorn.config import Config
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

from actor_oauth.provider.connections import serve_connections

Application = Callable[
    [HTTPScope, ASGIReceiveCallable, ASGISendCallable], Awaitable[None]
]
LENGTH = b"content-length"


@dataclass
class Server:
    """A server in this process.

    Attributes:
        port: Where it listens.
        stop: Set to stop it.
        stopped: Set once it has.
    """

    port: int = 0
    stop: trio.Event = field(default_factory=trio.Event)
    stopped: trio.Event = field(default_factory=trio.Event)
    _streams: list[trio.SocketStream] = field(default_factory=list)

    async def connect(self) -> trio.SocketStream:
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        self._streams.append(stream)
        return stream

    async def hang_up(self) -> None:
        for stream in self._streams:
            await stream.aclose()


@asynccontextmanager
async def serving(
    application: Application, *, keep_alive: float = 60.0, grace: float = 5.0
) -> AsyncIterator[Server]:
    """Serve for as long as the block lasts."""

    async def app(
        scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        # No lifespan here, as for many applications.
        assert scope["type"] == "http"
        await application(scope, receive, send)

    socket, bound = trio.socket.socket(), trio.Event()
    await socket.bind(("127.0.0.1", 0))
    server = Server(port=socket.getsockname()[1])
    config = Config()
    config.bind = [f"fd://{socket.detach()}"]
    config.errorlog = None
    config.accesslog = None
    config.keep_alive_timeout = keep_alive
    config.graceful_timeout = grace

    async def run() -> None:
        listening, stop = bound.set, server.stop.wait
        await serve_connections(app, config, listening=listening, stop=stop)
        server.stopped.set()

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            await bound.wait()
            yield server
            await server.hang_up()
            server.stop.set()


async def start(send: ASGISendCallable, *headers: tuple[bytes, bytes]) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": headers,
            "trailers": False,
        }
    )


async def chunk(send: ASGISendCallable, body: bytes, *, more: bool = False) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def answer(send: ASGISendCallable, body: bytes) -> None:
    await start(send, (LENGTH, b"%d" % len(body)))
    await chunk(send, body)


async def tell_path(
    scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    """Answer with the path that was asked for."""
    await answer(send, scope["raw_path"])


def request(
    path: str = "/", *headers: str, method: str = "GET", body: bytes = b""
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: here", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def read_until(stream: trio.SocketStream, end: bytes) -> bytes:
    got = b""
    while not got.endswith(end):
        more = await stream.receive_some()
        assert more, got
        got += more
    return got


async def read_all(stream: trio.SocketStream) -> bytes:
    got = b""
    with suppress(trio.BrokenResourceError):
        async for more in stream:
            got += more
    return got
