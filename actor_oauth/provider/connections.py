"""Accepting connections, so that none of them can end the server.

Hypercorn speaks HTTP on each connection. Where it stumbles over what a client sent (a
byte beyond ASCII in a WebSocket handshake was enough), it raises into whatever accepts
connections, and its own `serve` ends all of them with that one. So they are accepted here.
"""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Final, NoReturn

import structlog
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.lifespan import Lifespan
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState, LifespanState

from actor_oauth.provider.connection import Connection
from actor_oauth.provider.unread_bodies import without_unread_bodies

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# Nobody is greeted by it, and nobody's request is smuggled past a proxy by an upgrade.
_NO_STREAMS: Final = 0


async def serve_connections(
    app: ASGIFramework,
    config: Config,
    *,
    listening: Callable[[], None],
    stop: Callable[[], Awaitable[None]],
) -> None:
    """Serve an application until told to stop, then finish what is in flight.

    HTTP/2 is not spoken. Who is behind a proxy that passes an upgrade to it on could send
    whatever the proxy would not let through.

    Args:
        app: What answers.
        config: Hypercorn's, with an address that is no TLS one.
        listening: Called once connections are accepted.
        stop: Returns when to stop.

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
                await _serve_one(Connection(wrapped, config, context, shared, stream))

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
