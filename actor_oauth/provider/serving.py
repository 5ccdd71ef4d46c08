"""A running provider on a socket, through Hypercorn, until it is told to stop."""

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import trio
from hypercorn.config import Config
from hypercorn.typing import ASGIFramework

from actor_oauth.config import Settings
from actor_oauth.provider.connections import serve_connections
from actor_oauth.provider.crowding import Crowding
from actor_oauth.provider.parts import RunningProvider
from actor_oauth.resource.asgi import ASGIApp
from actor_oauth.runtime.local import files_beside_stores

if TYPE_CHECKING:
    from actor_oauth.provider.metrics import Metrics

KEEP_ALIVE_SECONDS: Final = 75.0
HEAD_BYTES: Final = 32 * 1024

# What is open besides actors and connections: logs, the alarms' index, calls to others.
_OTHER_FILES: Final = 192
_FEW: Final = 64


async def serve_running(
    running: RunningProvider,
    settings: Settings,
    *,
    fd: int,
    listening: Callable[[], None],
    stop: trio.Event,
    metrics: "Metrics | None" = None,
) -> None:
    """Accept connections until `stop` is set, then finish what is in flight.

    Args:
        running: What answers.
        settings: Of this provider.
        fd: A bound TCP socket, which this closes.
        listening: Called once connections are accepted.
        stop: Set to stop in an orderly way.
        metrics: See `Provider.serve`.
    """
    app = running.app if metrics is None else metrics.around(running)
    files = files_beside_stores(settings.max_activations)
    crowding = Crowding(
        by_address=settings.connections_per_address,
        in_all=max(files - _OTHER_FILES, _FEW),
        hops=settings.trusted_proxy_hops,
        refusals=running.server.refusals,
    )
    async with trio.open_nursery() as nursery:

        def accepting() -> None:
            nursery.start_soon(running.run_services)
            if metrics is not None:
                nursery.start_soon(metrics.sample, running)
            listening()

        async def stopped() -> None:
            await stop.wait()
            running.end_event_streams()

        await serve_on(
            crowding.around(app),
            f"fd://{fd}",
            seconds=float(settings.shutdown_seconds),
            listening=accepting,
            stop=stopped,
            crowding=crowding,
        )
        nursery.cancel_scope.cancel()


async def serve_on(
    app: ASGIApp,
    address: str,
    *,
    seconds: float,
    stop: Callable[[], Awaitable[None]],
    listening: Callable[[], None] = lambda: None,
    crowding: Crowding | None = None,
) -> None:
    """Serve any application as the provider itself is served, within the same limits.

    Args:
        app: What answers.
        address: Host and port, or `fd://` and a bound socket, which this closes.
        seconds: How long what is in flight may take after `stop` has returned.
        stop: Returns when to stop.
        listening: Called once connections are accepted.
        crowding: Turns connections away; without it none is.

    Raises:
        OSError: The address cannot be bound.
    """
    await serve_connections(
        _as_framework(app),
        _hypercorn_config(address, seconds),
        listening=listening,
        stop=stop,
        crowding=crowding,
    )


def _hypercorn_config(address: str, seconds: float) -> Config:
    config = Config()
    config.bind = [address]
    config.graceful_timeout = seconds
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.h11_max_incomplete_size = HEAD_BYTES
    config.include_server_header = False
    config.errorlog = logging.getLogger("hypercorn.error")
    config.accesslog = None
    return config


def _as_framework(app: ASGIApp) -> ASGIFramework:
    """Hypercorn's own type for the same thing."""
    return app
