"""The provider's connections, on real sockets, byte for byte: requests and their answers."""

import trio
import trio.testing
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope

from tests.provider.sockets import (
    LENGTH,
    chunk,
    read_all,
    read_until,
    request,
    serving,
    start,
    tell_path,
)


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
