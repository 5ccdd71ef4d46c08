"""What a client sends may end its own connection, and nobody else's."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final

import pytest
import structlog.testing
import trio
import trio.lowlevel
import trio.testing
from hypercorn.config import Config
from hypercorn.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPResponseStartEvent,
    Scope,
)

from actor_oauth.provider.connections import serve_connections

HANDSHAKE: Final = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
UPGRADE: Final = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nHTTP2-Settings: "
PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS: Final = b"\0\0\0\4\0\0\0\0\0"
# In HPACK: GET, http, a path in plain text, `:authority: x`.
FIELDS: Final = b"\x82\x86\x04\x02/%b\x01\x01x"


def headers(stream: int, path: bytes = b"a") -> bytes:
    """A whole request of HTTP/2."""
    fields = FIELDS % path
    length = len(fields).to_bytes(3)
    return length + b"\1\5" + stream.to_bytes(4) + fields


async def tell_path(
    scope: Scope, _receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    """Answer with the path that was asked for."""
    assert scope["type"] == "http", "this application knows nothing else"
    body = scope["path"].encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [], "trailers": False}
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def take_some_steps(
    scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    """Answer after as many steps as it takes to have many pieces of a body arrive."""
    for _ in range(100):
        await trio.lowlevel.checkpoint()
    await tell_path(scope, receive, send)


async def wait_for_disconnect(
    scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    """Answer, with somebody waiting all the while for the client to go."""

    async def wait() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await tell_path(scope, receive, send)


async def listen(
    nursery: trio.Nursery,
    app: ASGIFramework,
    *,
    patience: float = 60,
    stop: Callable[[], Awaitable[None]] = trio.sleep_forever,
) -> int:
    """Serve an application; gives the port."""
    socket = trio.socket.socket()
    await socket.bind(("127.0.0.1", 0))
    number: int = socket.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{socket.detach()}"]
    config.accesslog = config.errorlog = None
    config.keep_alive_timeout = patience
    listening = trio.Event()
    serve = partial(serve_connections, app, config, listening=listening.set, stop=stop)
    nursery.start_soon(serve)
    await listening.wait()
    return number


@pytest.fixture(params=[tell_path])
async def port(
    request: pytest.FixtureRequest, nursery: trio.Nursery
) -> AsyncIterator[int]:
    """Where an application is served, until the test ends."""
    stop = trio.Event()
    yield await listen(nursery, request.param, stop=stop.wait)
    stop.set()


async def talk(port: int, sent: bytes) -> bytes:
    """Send bytes as they are; gives what came back until the end."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    received = b""
    async with stream:
        await stream.send_all(sent)
        with trio.fail_after(5), suppress(trio.BrokenResourceError):
            async for chunk in stream:
                received += chunk
    return received


# Each of these ended the whole server as Hypercorn's own `serve` accepts connections.
@pytest.mark.requirement("G7", "K-14")
@pytest.mark.parametrize(
    "sent",
    [
        HANDSHAKE + b"Sec-WebSocket-Protocol: \xff\r\n\r\n",
        HANDSHAKE + b"Sec-WebSocket-Extensions: \xff\r\n\r\n",
        UPGRADE + urlsafe_b64encode(b"\0\4\xff\xff\xff\xff") + b"\r\n\r\n",
        PREFACE + SETTINGS + headers(1, b"\xff"),
    ],
)
async def test_a_request_that_the_server_stumbles_over_ends_one_connection(
    port: int, sent: bytes
) -> None:
    with structlog.testing.capture_logs() as logged:
        await talk(port, sent)

    plain = b"GET /still HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = await talk(port, plain)
    assert b"/still" in answer
    assert not any("xff" in repr(record) for record in logged)


@pytest.mark.requirement("J-19")
async def test_an_upgrade_smuggles_nothing_past_a_proxy(port: int) -> None:
    asked = UPGRADE + b"AAMAAABk\r\n\r\n" + PREFACE + SETTINGS + headers(3, b"b")
    assert b"/b" not in await talk(port, asked)
    assert b"/a" not in await talk(port, PREFACE + SETTINGS + headers(1))


@pytest.mark.requirement("G5", "K-14")
@pytest.mark.parametrize("port", [take_some_steps, wait_for_disconnect], indirect=True)
@pytest.mark.parametrize(
    "length", ["Transfer-Encoding: chunked", "Content-Length: 999999"]
)
async def test_a_body_that_nobody_reads_does_not_keep_its_connection(
    port: int, length: str
) -> None:
    """It did for ever: any client could so take all connections that there can be."""
    # In one piece and in more pieces than the server keeps: it has them all at once.
    sent = f"POST / HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n".encode()
    await talk(port, sent + b"4\r\nmore\r\n" * 1000)


@pytest.mark.requirement("G5")
async def test_a_client_that_leaves_takes_its_connection_along(port: int) -> None:
    """It stayed for as long as one that is idle may."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        with trio.fail_after(5):
            await stream.send_all(
                b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nb"
            )
            answer = b""
            while not answer.endswith(b"0\r\n\r\n"):
                answer += await stream.receive_some()
            await stream.send_eof()
            assert await stream.receive_some() == b""


async def test_requests_that_are_none_are_no_news(port: int) -> None:
    """After the first one a warning was logged for each."""
    with structlog.testing.capture_logs() as logged:
        for _ in range(3):
            await talk(port, b"GET / HTTP/1.1\r\nTransfer-Encoding: x\r\n\r\n")
    assert logged == []


async def test_a_client_that_reads_nothing_does_not_keep_its_connection(
    nursery: trio.Nursery,
) -> None:
    """It did for as long as it wished, whatever it had asked for."""
    ended = trio.Event()

    async def tell_much(
        scope: Scope, _receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        assert scope["type"] == "http", "this application knows nothing else"
        head: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", b"100000000")],
            "trailers": False,
        }
        await send(head)
        body = bytes(100_000_000)
        await send({"type": "http.response.body", "body": body, "more_body": False})
        ended.set()

    port = await listen(nursery, tell_much, patience=0.1)
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with trio.fail_after(5):
            await ended.wait()
    nursery.cancel_scope.cancel()


async def test_a_body_that_follows_its_head_does_not_end_the_connection(
    port: int,
) -> None:
    """Clients send heads and bodies apart; a refusal that needs no body came between."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    received = b""
    async with stream:
        await stream.send_all(
            b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
        )
        # The server has read the head, and would have answered.
        await trio.testing.wait_all_tasks_blocked(0.05)
        await stream.send_all(b"hello")
        while b"/a" not in received:
            received += await stream.receive_some()
        await stream.send_all(
            b"GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        with trio.fail_after(5):
            async for chunk in stream:
                received += chunk
    assert b"/b" in received


async def test_an_answer_before_its_body_says_that_it_is_the_last(port: int) -> None:
    head = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    for length in (70_000, 5):
        answer = await talk(port, head % length)
        assert b"/a" in answer
        assert b"connection: close" in answer.lower()
