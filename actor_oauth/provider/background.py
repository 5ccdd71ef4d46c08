"""What runs beside the requests for as long as a provider is served."""

from pathlib import Path

import trio

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.provider.keyring_following import follow_keyring


async def run_background_services(server: AuthorizationServer, data: Path) -> None:
    """Run every service until cancelled. One line for each.

    Args:
        server: The authorization server.
        data: Its data directory.
    """
    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow_keyring, server, data)
