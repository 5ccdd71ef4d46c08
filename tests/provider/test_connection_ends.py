"""How the provider's connections end: idle, hung up on, at the end of all, cancelled."""

from pathlib import Path

import pytest
import trio
import trio.testing
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope

from actor_oauth.resource.asgi import CANCEL_EXTENSION
from tests.provider.sockets import (
    LENGTH,
    answer,
    chunk,
    read_all,
    read_until,
    request,
    serving,
    start,
    tell_path,
)


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
