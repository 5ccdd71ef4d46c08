"""What `actor-oauth serve` serves."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import trio

from actor_oauth.config import Settings
from actor_oauth.provider.facade import Provider

if TYPE_CHECKING:
    from actor_oauth.provider.metrics import Metrics


async def serve(
    settings: Settings,
    *,
    fd: int,
    announce: Callable[[str], None],
    stopping: trio.Event,
    metrics: "Metrics | None" = None,
) -> None:
    """Run `actor-oauth serve`: the provider, and the example MCP server if that is on.

    Args:
        settings: Filled in for the bound socket.
        fd: See `Provider.serve`.
        announce: See `Provider.serve`.
        stopping: See `Provider.serve`.
        metrics: See `Provider.serve`.
    """
    provider = Provider(settings)
    if settings.demo_enabled:
        provider.protect_demo()
    await provider.serve(fd=fd, announce=announce, stopping=stopping, metrics=metrics)
