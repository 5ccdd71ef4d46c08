"""Accepting connections, so that none of them can end the server.

Hypercorn speaks HTTP on each connection. Where it stumbles over what a client sent (a
byte beyond ASCII in a WebSocket handshake was enough), it raises into whatever accepts
connections, and its own `serve` ends all of them with that one. So they are accepted here.
"""

import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Final, NoReturn

import structlog
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.lifespan import Lifespan
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState, LifespanState

from actor_oauth.oauth.reasons import Reason
from actor_oauth.provider.connection import Connection
from actor_oauth.provider.crowding import RETRY_SECONDS, Crowding
from actor_oauth.provider.unread_bodies import without_unread_bodies

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

TURNED_AWAY: Final = (
    b"HTTP/1.1 %d \r\nretry-after: %d\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)

# Nobody is greeted by it, and nobody's request is smuggled past a proxy by an upgrade.
_NO_STREAMS: Final = 0


async def serve_connections(
    app: ASGIFramework,
    config: Config,
    *,
    listening: Callable[[], None],
    stop: Callable[[], Awaitable[None]],
    crowding: Crowding | None = None,
) -> None:
    """Serve an application until told to stop, then finish what is in flight.

    HTTP/2 is not spoken. Who is behind a proxy that passes an upgrade to it on could send
    whatever the proxy would not let through.

    Args:
        app: What answers.
        config: Hypercorn's, with an address that is no TLS one.
        listening: Called once connections are accepted.
        stop: Returns when to stop.
        crowding: Turns connections away; without it none is.

    Raises:
        OSError: The address cannot be bound.
    """
    config.h2_max_concurrent_streams = _NO_STREAMS
    state: LifespanState = {}
    wrapped, context = ASGIWrapper(without_unread_bodies(app)), WorkerContext(None)
    lifespan = Lifespan(wrapped, config, state)
    async with trio.open_nursery() as outer:
        await outer.start(lifespan.handle_lifespan)
        await lifespan.wait_for_startup()
        async with trio.open_nursery() as connections:

            async def serve(stream: trio.SocketStream) -> None:
                shared = ConnectionState(state.copy())
                connection = Connection(wrapped, config, context, shared, stream)
                if crowding is None:
                    await _serve_one(connection)
                    return
                with crowding.connection(_peer(stream)) as reason:
                    if reason is None:
                        await _serve_one(connection)
                    else:
                        _turn_away(stream, reason)

            async with trio.open_nursery() as accepting:
                accepting.start_soon(
                    partial(_accept, config, serve, connections, listening)
                )
                await stop()
                accepting.cancel_scope.cancel()
            await context.terminated.set()
            connections.cancel_scope.deadline = (
                trio.current_time() + config.graceful_timeout
            )
        await lifespan.wait_for_shutdown()
        outer.cancel_scope.cancel()


async def _accept(
    config: Config,
    serve: Callable[[trio.SocketStream], Awaitable[None]],
    connections: trio.Nursery,
    listening: Callable[[], None],
) -> NoReturn:
    listeners = []
    for socket in config.create_sockets().insecure_sockets:
        socket.listen(config.backlog)
        listeners.append(trio.SocketListener(trio.socket.from_stdlib_socket(socket)))
    listening()
    await trio.serve_listeners(serve, listeners, handler_nursery=connections)


def _peer(stream: trio.SocketStream) -> str:
    """Give the other side's address; empty if it is gone, or has none."""
    try:
        name = stream.socket.getpeername()
    except OSError:
        return ""
    return str(name[0]) if isinstance(name, tuple) else ""


def _turn_away(stream: trio.SocketStream, reason: Reason) -> None:
    """Close a connection with an answer that asks to come back, if it can be had at once."""
    answer = TURNED_AWAY % (reason.category.status, RETRY_SECONDS)
    with suppress(OSError):
        os.write(stream.socket.fileno(), answer)
    stream.socket.close()


async def _serve_one(connection: Connection) -> None:
    try:
        await connection
    except* Exception as fault:  # noqa: BLE001 - the root: it ends this connection only
        # Not what it says: that may be what the client sent.
        names = sorted({type(leaf).__name__ for leaf in _leaves(fault)})
        log.warning("connection ended", faults=names)


def _leaves(group: BaseExceptionGroup[Exception]) -> Iterator[BaseException]:
    for inner in group.exceptions:
        if isinstance(inner, BaseExceptionGroup):
            yield from _leaves(inner)
        else:
            yield inner
