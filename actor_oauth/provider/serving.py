"""A running provider on a socket, through Hypercorn, until it is told to stop."""

import logging
from collections.abc import Callable
from typing import Final

import trio
from hypercorn.config import Config
from hypercorn.typing import ASGIFramework

from actor_oauth.config import Settings
from actor_oauth.provider.background import run_background_services
from actor_oauth.provider.connections import serve_connections
from actor_oauth.provider.parts import RunningProvider
from actor_oauth.resource.asgi import ASGIApp

KEEP_ALIVE_SECONDS: Final = 75.0
HEAD_BYTES: Final = 32 * 1024


async def serve_running(
    running: RunningProvider,
    settings: Settings,
    *,
    fd: int | None,
    listening: Callable[[], None],
    stop: trio.Event,
) -> None:
    """Accept connections until `stop` is set, then finish what is in flight.

    Args:
        running: What answers.
        settings: Of this provider.
        fd: See `Provider.serve`.
        listening: Called once connections are accepted.
        stop: Set to stop in an orderly way.

    Raises:
        OSError: The address cannot be bound.
    """
    config = _hypercorn_config(settings, fd)
    async with trio.open_nursery() as nursery:

        def accepting() -> None:
            nursery.start_soon(run_background_services, running, settings)
            listening()

        async def stopped() -> None:
            await stop.wait()
            running.end_event_streams()

        await serve_connections(
            _as_framework(running.app), config, listening=accepting, stop=stopped
        )
        nursery.cancel_scope.cancel()


def _hypercorn_config(settings: Settings, fd: int | None) -> Config:
    config = Config()
    config.bind = [f"fd://{fd}" if fd is not None else _authority(settings)]
    config.graceful_timeout = float(settings.shutdown_seconds)
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.h11_max_incomplete_size = HEAD_BYTES
    config.include_server_header = False
    config.errorlog = logging.getLogger("hypercorn.error")
    config.accesslog = None
    return config


def _authority(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.port}"


def _as_framework(app: ASGIApp) -> ASGIFramework:
    """Hypercorn's own type for the same thing."""
    return app
