"""The provider's connections, on real sockets, byte for byte."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio
import trio.testing
from hypercorn.config import Config
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

from actor_oauth.provider.connections import serve_connections
from actor_oauth.resource.asgi import CANCEL_EXTENSION

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


async def test_one_connection_is_asked_again_and_again() -> None:
    async with serving(tell_path) as server:
        stream = await server.connect()
        for number in range(5):
            await stream.send_all(request(f"/{number}"))
            got = await read_until(stream, b"\r\n\r\n/%d" % number)
            assert got.startswith(b"HTTP/1.1 200 ")


async def test_requests_that_come_at_once_are_answered_in_order() -> None:
    async with serving(tell_path) as server:
        stream = await server.connect()
        await stream.send_all(b"".join(request(f"/{number}") for number in range(20)))
        got = await read_until(stream, b"/19")
        heads = got.split(b"HTTP/1.1 200 ")[1:]
        bodies = [head.partition(b"\r\n\r\n")[2] for head in heads]
        assert bodies == [b"/%d" % number for number in range(20)]


async def test_an_answer_without_a_body_is_sent_too() -> None:
    async with serving(tell_path) as server:
        stream = await server.connect()
        await stream.send_all(request("/long", method="HEAD"))
        got = await read_until(stream, b"\r\n\r\n")
        assert b"content-length: 5\r\n" in got
        await stream.send_all(request("/next"))
        assert (await read_until(stream, b"/next")).startswith(b"HTTP/1.1 200 ")


async def test_the_head_of_a_stream_does_not_wait_for_its_first_event() -> None:
    seen = trio.Event()

    async def stream_one(
        scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        await start(send, (b"content-type", b"text/event-stream"))
        await seen.wait()
        await chunk(send, b"data: 1\n\n", more=True)
        await chunk(send, b"")

    async with serving(stream_one) as server:
        stream = await server.connect()
        await stream.send_all(request())
        head = await read_until(stream, b"\r\n\r\n")
        assert b"transfer-encoding: chunked" in head.lower()
        seen.set()
        assert b"data: 1\n\n" in await read_until(stream, b"0\r\n\r\n")


async def test_more_than_the_kernel_takes_at_once_arrives_whole_and_in_order() -> None:
    body = b"".join(b"%07d " % number for number in range(400_000))

    async def big(
        scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        await start(send, (LENGTH, b"%d" % len(body)))
        half = len(body) // 2
        await chunk(send, body[:half], more=True)
        await chunk(send, body[half:])

    async with serving(big) as server:
        stream = await server.connect()
        await stream.send_all(request("/", "Connection: close"))
        got = await read_all(stream)
        assert got.partition(b"\r\n\r\n")[2] == body


async def test_a_body_reaches_the_application_and_so_does_a_hang_up() -> None:
    heard: list[str] = []
    gone = trio.Event()

    async def listen(
        scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        size = 0
        # Not before the client has to wait for it.
        await trio.testing.wait_all_tasks_blocked()
        while (message := await receive())["type"] == "http.request":
            size += len(message["body"])
            if not message["more_body"]:
                heard.append(f"{size} bytes")
        heard.append(message["type"])
        gone.set()

    async with serving(listen) as server:
        stream = await server.connect()
        await stream.send_all(request("/", method="POST", body=b"x" * 3_000_000))
        while not heard:
            await trio.lowlevel.checkpoint()
        await stream.aclose()
        await gone.wait()
        assert heard == ["3000000 bytes", "http.disconnect"]


async def test_a_fault_is_answered_500_and_one_after_the_head_ends_the_connection() -> (
    None
):
    async def faulty(
        scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["path"] == "/late":
            await start(send, (LENGTH, b"5"))
            await chunk(send, b"12", more=True)
        raise RuntimeError

    async with serving(faulty) as server:
        for path, status in (("/", b"HTTP/1.1 500 "), ("/late", b"HTTP/1.1 200 ")):
            stream = await server.connect()
            await stream.send_all(request(path))
            assert (await read_all(stream)).startswith(status)


async def test_what_is_not_http_is_refused() -> None:
    async with serving(tell_path) as server:
        stream = await server.connect()
        await stream.send_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n")
        assert (await read_all(stream)).startswith(b"HTTP/1.1 400 ")


async def test_a_connection_is_closed_once_it_was_idle_for_too_long() -> None:
    patience = 0.05

    async def slow(
        scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        # Longer than a connection may be idle, which this one is not.
        await trio.sleep(3 * patience)
        await answer(send, b"done")

    async with serving(slow, keep_alive=patience) as server:
        silent, busy = await server.connect(), await server.connect()
        await busy.send_all(request())
        assert await read_all(silent) == b""
        assert (await read_until(busy, b"done")).startswith(b"HTTP/1.1 200 ")
        assert await read_all(busy) == b""


def sockets() -> int:
    """How many this process has open."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum(str(link.readlink()).startswith("socket:") for link in links)


async def test_who_hangs_up_leaves_nothing_open() -> None:
    async with serving(tell_path) as server:
        before = sockets()
        streams = [await server.connect() for _ in range(10)]
        for stream in streams[:5]:
            await stream.send_all(request("/x"))
            await read_until(stream, b"/x")
        while sockets() < before + 20:
            await trio.lowlevel.checkpoint()
        await server.hang_up()
        while sockets() > before:
            await trio.lowlevel.checkpoint()


@pytest.mark.requirement("G10")
async def test_at_the_end_idle_connections_close_and_busy_ones_are_answered() -> None:
    begun, go_on = trio.Event(), trio.Event()

    async def wait(
        scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        begun.set()
        await go_on.wait()
        await answer(send, b"done")

    async with serving(wait) as server:
        idle, busy = await server.connect(), await server.connect()
        await busy.send_all(request())
        await begun.wait()
        server.stop.set()
        assert await read_all(idle) == b""
        assert not server.stopped.is_set()
        go_on.set()
        assert (await read_all(busy)).endswith(b"\r\n\r\ndone")
        await server.stopped.wait()


@pytest.mark.requirement("G10")
async def test_the_end_does_not_wait_for_ever_for_what_is_under_way() -> None:
    begun = trio.Event()

    async def hang(
        scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        begun.set()
        await trio.sleep_forever()

    async with serving(hang, grace=0.05) as server:
        stream = await server.connect()
        await stream.send_all(request())
        await begun.wait()
        server.stop.set()
        await server.stopped.wait()


async def test_a_connection_that_is_closed_by_its_header_is_closed() -> None:
    async with serving(tell_path) as server:
        stream = await server.connect()
        await stream.send_all(request("/bye", "Connection: close"))
        assert (await read_all(stream)).endswith(b"/bye")
        await stream.aclose()


async def test_an_answer_for_somebody_who_is_gone_disturbs_nobody() -> None:
    tried = trio.Event()

    async def late(
        scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["path"] == "/late":
            while (await receive())["type"] != "http.disconnect":
                pass
        try:
            await answer(send, b"done")
        finally:
            tried.set()

    async with serving(late) as server:
        stream = await server.connect()
        await stream.send_all(request("/late"))
        await stream.aclose()
        await tried.wait()
        other = await server.connect()
        await other.send_all(request())
        await read_until(other, b"done")


def cancel(scope: HTTPScope) -> None:
    scope["extensions"][CANCEL_EXTENSION]["cancel"]()


async def test_a_request_that_is_cancelled_ends_and_the_connection_goes_on() -> None:
    ended = trio.Event()

    async def cancelled(
        scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["path"] == "/next":
            await tell_path(scope, receive, send)
            return
        await start(send, (b"content-type", b"text/event-stream"))
        cancel(scope)
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await chunk(send, b"")
            ended.set()

    async with serving(cancelled) as server:
        stream = await server.connect()
        for _ in range(2):
            await stream.send_all(request("/stream"))
            await read_until(stream, b"0\r\n\r\n")
            await ended.wait()
            await stream.send_all(request("/next"))
            assert (await read_until(stream, b"/next")).startswith(b"HTTP/1.1 200 ")


async def test_a_cancelled_request_whose_answer_was_not_ended_ends_the_connection() -> (
    None
):
    async def cancelled(
        scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        await start(send, (LENGTH, b"5"))
        await chunk(send, b"12", more=True)
        cancel(scope)
        await trio.sleep_forever()

    async with serving(cancelled) as server:
        stream = await server.connect()
        await stream.send_all(request())
        assert (await read_all(stream)).endswith(b"\r\n\r\n12")


async def test_a_request_that_came_ahead_of_a_cancelled_one_s_end_is_not_answered() -> (
    None
):
    async def cancelled(
        scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        # Not before the next request has been read.
        await trio.testing.wait_all_tasks_blocked()
        cancel(scope)
        await answer(send, b"done")

    async with serving(cancelled) as server:
        stream = await server.connect()
        await stream.send_all(request("/1") + request("/2"))
        assert (await read_all(stream)).count(b"HTTP/1.1") == 1


async def test_what_a_client_does_not_read_cannot_outlast_its_cancelled_request() -> (
    None
):
    gone = trio.Event()

    async def cancelled(
        scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        await start(send, (b"content-type", b"text/event-stream"))
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(chunk, send, bytes(50_000_000))
                # Until the kernel takes no more of it.
                await trio.testing.wait_all_tasks_blocked(0.02)
                cancel(scope)
        finally:
            gone.set()

    async with serving(cancelled, keep_alive=0.2) as server:
        stream = await server.connect()
        await stream.send_all(request())
        await gone.wait()
