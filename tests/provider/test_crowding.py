"""One address opens whatever it can; everybody else is served."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import structlog.testing
import trio
from hypercorn.config import Config
from trio.testing import wait_all_tasks_blocked

from actor_oauth.actors.callbacks import ObservedError
from actor_oauth.actors.refusals import Refusals
from actor_oauth.config import Settings
from actor_oauth.oauth.reasons import Reason
from actor_oauth.provider import Provider
from actor_oauth.provider.connections import serve_connections
from actor_oauth.provider.crowding import Crowding
from actor_oauth.provider.serving import serve_running
from actor_oauth.resource.asgi import Receive, Scope, Send

GET = b"GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n"
OVER = b"HTTP/1.1 429 "
BUSY = b"HTTP/1.1 503 "


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer at once; at `/events` begin a stream that ends with its client."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    streams = scope["path"] == "/events"
    await send({"type": "http.response.body", "body": b"hello", "more_body": streams})
    while streams and (await receive())["type"] != "http.disconnect":
        pass


@dataclass
class Server:
    """A server in this process, and who is connected to it."""

    port: int
    observed: list[ObservedError] = field(default_factory=list)
    _streams: list[trio.SocketStream] = field(default_factory=list)

    async def connect(self, source: str = "127.0.0.1") -> trio.SocketStream:
        """Open a connection from one of this machine's addresses."""
        stream = await trio.open_tcp_stream(
            "127.0.0.1", self.port, local_address=source
        )
        self._streams.append(stream)
        return stream

    async def hang_up(self) -> None:
        for stream in self._streams:
            await stream.aclose()

    async def ask(
        self, path: bytes = b"/", *headers: bytes, source: str = "127.0.0.1"
    ) -> tuple[trio.SocketStream, bytes]:
        """Send a request; gives its connection, and how the answer begins."""
        stream = await self.connect(source)
        with suppress(trio.BrokenResourceError):
            await stream.send_all(GET % (path, b"".join(headers)))
        return stream, await told(stream)


async def told(stream: trio.SocketStream) -> bytes:
    """What comes next; empty if the connection is closed."""
    with trio.fail_after(5), suppress(trio.BrokenResourceError):
        return await stream.receive_some()
    return b""


@asynccontextmanager
async def serving(
    *, by_address: int = 0, in_all: int = 1000, hops: int = 0
) -> AsyncIterator[Server]:
    """Serve `answer` for as long as the block lasts."""
    socket = trio.socket.socket()
    await socket.bind(("127.0.0.1", 0))
    server = Server(port=socket.getsockname()[1])
    refusals = Refusals()
    refusals.watch(server.observed.append)
    crowding = Crowding(
        by_address=by_address, in_all=in_all, hops=hops, refusals=refusals
    )
    config = Config()
    config.bind = [f"fd://{socket.detach()}"]
    config.accesslog = config.errorlog = None
    listening = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            partial(
                serve_connections,
                crowding.around(answer),
                config,
                listening=listening.set,
                stop=trio.sleep_forever,
                crowding=crowding,
            )
        )
        await listening.wait()
        yield server
        await server.hang_up()
        nursery.cancel_scope.cancel()


@pytest.mark.requirement("G5")
async def test_who_opens_connections_and_says_nothing_keeps_nobody_else_out() -> None:
    async with serving(by_address=3) as server:
        held = [await server.connect() for _ in range(3)]
        with structlog.testing.capture_logs() as logged:
            turned_away = [await told(await server.connect()) for _ in range(20)]
        assert all(answer.startswith(OVER) for answer in turned_away)
        assert b"retry-after: 1\r\n" in turned_away[0]

        _, other = await server.ask(source="127.0.0.2")
        assert b" 200 " in other

        await held[0].aclose()
        await wait_all_tasks_blocked()
        _, again = await server.ask()
        assert b" 200 " in again

    # Told once a second, and counted each time.
    first, *more = [line for line in logged if line["event"] == "refused"]
    assert first["reason"] == "connections_too_many"
    assert first["endpoint"] == "connection"
    assert first["caller"] == "127.0.0.1"
    assert len(more) <= 2
    assert [error.reason for error in server.observed] == 20 * ["connections_too_many"]


@pytest.mark.requirement("G5", "J-19")
async def test_behind_a_proxy_requests_count_for_whoever_it_forwards() -> None:
    """All connections are the proxy's, which must not be taken for the attacker."""
    crowd, other = (b"X-Forwarded-For: 192.0.2.%d\r\n" % last for last in (1, 2))
    # What the caller itself wrote, the proxy's entry behind it.
    disguised = b"X-Forwarded-For: 198.51.100.9, 192.0.2.1\r\n"
    async with serving(by_address=3, hops=1) as server:
        streams = [await server.ask(b"/events", crowd) for _ in range(3)]
        assert all(b" 200 " in begun for _, begun in streams)

        for line in (crowd, disguised):
            _, refused = await server.ask(b"/", line)
            assert refused.startswith(OVER)
            assert b"retry-after: 1\r\n" in refused
            assert b"access-control-allow-origin: *" in refused
        for _ in range(5):
            assert b" 200 " in (await server.ask(b"/", other))[1]

        # The stream's end is heard of when the server reads it.
        await streams[0][0].aclose()
        with trio.fail_after(5):
            while b" 200 " not in (await server.ask(b"/", crowd))[1]:
                await trio.lowlevel.checkpoint()
    assert {error.endpoint for error in server.observed} == {"request"}


@pytest.mark.requirement("G5")
async def test_connections_leave_the_files_that_actors_need() -> None:
    """Without a limit on all of them the next one took an actor's file."""
    async with serving(in_all=2) as server:
        held = [await server.connect() for _ in range(2)]
        with structlog.testing.capture_logs() as logged:
            for _ in range(3):
                assert (await told(await server.connect())).startswith(BUSY)
        await held[0].aclose()
        await wait_all_tasks_blocked()
        _, again = await server.ask()
        assert b" 200 " in again
    events = [line for line in logged if line["event"] == "connection turned away"]
    assert events[0]["fault"] == "OverloadedError: 2 connections are open"
    assert {error.reason for error in server.observed} == {"overloaded"}


async def test_a_subscriber_s_ipv6_network_counts_as_one_address() -> None:
    crowding = Crowding(by_address=1, in_all=9, hops=0, refusals=Refusals())
    with ExitStack() as held:
        enter = held.enter_context
        assert enter(crowding.connection("2001:db8:0:1::1")) is None
        reason = enter(crowding.connection("2001:db8:0:1:ffff::2"))
        assert reason is Reason.CONNECTIONS_TOO_MANY
        assert enter(crowding.connection("2001:db8:0:2::1")) is None
        # A Unix socket's other side has no address that it could be told by.
        assert enter(crowding.connection("")) is enter(crowding.connection("")) is None
    assert not crowding._open


async def test_a_connection_that_is_gone_when_it_is_accepted_takes_no_place() -> None:
    async with serving(by_address=1) as server:
        for _ in range(20):
            await (await server.connect()).aclose()
        with trio.fail_after(5):
            while b" 200 " not in (await server.ask())[1]:
                await trio.lowlevel.checkpoint()


async def test_a_provider_is_served_within_the_limit_of_its_settings(
    tmp_path: Path,
) -> None:
    socket = trio.socket.socket()
    await socket.bind(("127.0.0.1", 0))
    port: int = socket.getsockname()[1]
    settings = Settings(data=tmp_path, connections_per_address=1).bound_to(port)
    stop, listening = trio.Event(), trio.Event()
    async with Provider(settings).open() as running, trio.open_nursery() as nursery:
        nursery.start_soon(
            partial(
                serve_running,
                running,
                settings,
                fd=socket.detach(),
                listening=listening.set,
                stop=stop,
            )
        )
        await listening.wait()
        server = Server(port=port)
        _, healthy = await server.ask(b"/health")
        assert b" 200 " in healthy
        _, refused = await server.ask(b"/health")
        assert refused.startswith(OVER)
        await server.hang_up()
        stop.set()
