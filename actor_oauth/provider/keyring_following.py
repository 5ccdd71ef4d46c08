"""Uses keys that another process has added to the keyring, without a restart."""

from functools import partial
from pathlib import Path
from typing import Final

import structlog
import trio

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.config import ConfigError
from actor_oauth.config.keyring_file import (
    ensure_signing_keys,
    open_keyring,
    read_keyring,
)
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.policy import Policy
from actor_oauth.runtime import Entropy

KEYRING_SECONDS: Final = 60.0

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


async def keyring_for(policy: Policy, directory: Path, *, entropy: Entropy) -> Keyring:
    """Open the keyring of a data directory, with every kind of key that is needed.

    Raises:
        ConfigError: It cannot be read or made.
    """
    return await trio.to_thread.run_sync(
        partial(_keyring_for, policy, directory, entropy)
    )


def _keyring_for(policy: Policy, directory: Path, entropy: Entropy) -> Keyring:
    keyring = open_keyring(directory, entropy=entropy)
    needed = policy.signing_algorithms
    if needed.issubset(key.algorithm for key in keyring.signing_keys):
        return keyring
    return ensure_signing_keys(directory, needed, entropy=entropy)


async def follow_keyring(
    server: AuthorizationServer, data: Path, *, every: float = KEYRING_SECONDS
) -> None:
    """Have a server use the keys that are in its keyring file, until it is cancelled.

    A file that cannot be used changes nothing, and is tried again.

    Args:
        server: Of this keyring.
        data: The data directory.
        every: Seconds from look to look.
    """
    while True:
        await trio.sleep(every)
        try:
            keyring = await trio.to_thread.run_sync(read_keyring, data)
            server.use_keyring(keyring)
        except (ConfigError, ValueError) as problem:
            _log.warning("keyring could not be read", problem=str(problem))
