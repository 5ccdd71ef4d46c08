"""Whether the tokens of other services can still be opened without an old secret."""

from collections.abc import Collection
from pathlib import Path

import trio

from actor_oauth.actors.authorization_server import ACTOR_KINDS
from actor_oauth.actors.vault.sealing import is_sealed_with
from actor_oauth.config import ConfigError
from actor_oauth.runtime import ActorError, LocalEngine, SystemClock, open_system

SEAL_ANEW = (
    "run `actor-oauth serve` for ten minutes, even if the vault is off now: it seals "
    "them with the current secret"
)
"""What to do where they cannot."""


def is_vault_sealed_with(data: Path, kids: Collection[str]) -> bool:
    """Tell whether these secrets open everything that vaults hold.

    Args:
        data: The data directory; a server may run on it meanwhile.
        kids: Of secrets.

    Raises:
        ConfigError: The data directory cannot be used.
    """

    async def ask() -> bool:
        engine, clock = LocalEngine(data), SystemClock()
        async with open_system(engine, ACTOR_KINDS, clock=clock) as system:
            try:
                return await is_sealed_with(system, kids)
            except ActorError as error:
                problem = f"the data in {data} cannot be used: {error}"
                raise ConfigError([problem]) from None

    return trio.run(ask)
