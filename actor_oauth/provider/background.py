"""What runs beside the requests for as long as a provider is served."""

import trio

from actor_oauth.config import Settings
from actor_oauth.provider.keyring_following import follow_keyring
from actor_oauth.provider.parts import RunningProvider


async def run_background_services(running: RunningProvider, settings: Settings) -> None:
    """Run every service until cancelled. One line for each."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow_keyring, running.server, settings.data)
