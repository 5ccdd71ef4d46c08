"""The same application behind Hypercorn, on a real socket, byte for byte."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
import trio
from hypercorn.config import Config
from hypercorn.trio import serve

from tests.http.deployment import Deployment


@pytest.fixture
async def port(deployment: Deployment, nursery: trio.Nursery) -> AsyncIterator[int]:
    """Where the deployment listens."""
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.accesslog = None
    config.errorlog = None
    stop = trio.Event()
    serving = partial(serve, deployment.app, config, shutdown_trigger=stop.wait)
    (url,) = await nursery.start(serving)
    yield int(url.rpartition(":")[2])
    stop.set()


async def talk(port: int, *requests: bytes) -> bytes:
    """Send bytes as they are; gives everything that came back until the end."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        for request in requests:
            await stream.send_all(request)
        received = b""
        with trio.fail_after(30):
            async for chunk in stream:
                received += chunk
    return received


def request(head: str, *headers: str, body: bytes = b"", length: int = -1) -> bytes:
    size = len(body) if length < 0 else length
    lines = [
        f"{head} HTTP/1.1",
        "Host: as.example",
        "Connection: close",
        f"Content-Length: {size}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "path", ["/login", "/.well-known/oauth-authorization-server", "/nothing"]
)
async def test_head_sends_headers_and_no_body(port: int, path: str) -> None:
    got = await talk(port, request(f"GET {path}"))
    head = await talk(port, request(f"HEAD {path}"))

    assert got.partition(b"\r\n\r\n")[2]
    assert head.partition(b"\r\n\r\n")[2] == b""
    assert b"content-length" in head


async def test_a_304_has_no_body(port: int) -> None:
    path = "/.well-known/oauth-authorization-server"

    answer = await talk(port, request(f"GET {path}", "If-None-Match: *"))

    assert answer.startswith(b"HTTP/1.1 304")
    assert answer.endswith(b"\r\n\r\n")


async def test_an_oversized_body_is_refused_before_it_is_sent(port: int) -> None:
    begun = request("POST /token", FORM, body=b"x" * 70_000, length=10_000_000)

    answer = await talk(port, begun)

    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"error":"invalid_request"' in answer


@pytest.mark.requirement("D-08", "M-20")
async def test_a_client_that_hangs_up_disturbs_nobody(
    deployment: Deployment, port: int
) -> None:
    client = await deployment.register()
    code = await deployment.code(client, scope="notes:read offline_access")
    tokens = (await deployment.redeem(client, code)).json()
    form = (
        f"grant_type=refresh_token&client_id={client['client_id']}"
        f"&refresh_token={tokens['refresh_token']}"
    ).encode()
    whole = request("POST /token", FORM, body=form)

    for cut in (len(whole) - 10, len(whole)):
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with stream:
            await stream.send_all(whole[:cut])
    answer = await talk(port, whole)

    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "garbage",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"GET / HTTP/9.9\r\n\r\n", b"x\r\n\r\n"],
)
async def test_what_is_not_http_ends_the_connection_only(
    port: int, garbage: bytes
) -> None:
    await talk(port, garbage + b"\r\n\r\n")

    assert (await talk(port, request("GET /login"))).startswith(b"HTTP/1.1 200")


async def test_a_websocket_is_not_there_and_no_fault(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Each handshake of a stranger wrote two tracebacks to the log."""
    handshake = (
        b"GET /%s HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    for path in (b"", b"token", b"login"):
        answer = await talk(port, handshake % path)
        assert answer.startswith(b"HTTP/1.1 4")
    assert not caplog.records
