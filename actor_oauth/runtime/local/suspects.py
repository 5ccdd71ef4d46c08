"""Actors whose log could not be synced, and was not written anew since: by all processes.

Linux reports a failed sync once to whoever has the file open, and may drop the pages. A
process that opens the log later and syncs it is told that all is well, although nothing
was written. So whoever is told of a failure leaves the actor's name here, and whoever
opens that actor next writes the log's content anew (`files.rewrite`) before trusting it.

Names need not be durable: after a power failure nobody can read what was never written.
"""

from pathlib import Path

import structlog

from actor_oauth.runtime.address import Address

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Suspects:
    """The names, each an empty file. All methods block, for a look at a directory.

    Args:
        folder: Where they are; made with the first.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unnoted: set[Address] = set()

    def __contains__(self, address: Address) -> bool:
        return address in self._unnoted or self._path(address).exists()

    def add(self, address: Address) -> None:
        """Suspect an actor's log; where that cannot be noted, in this process at least."""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._path(address).touch(mode=0o600)
        except OSError as error:
            self._unnoted.add(address)
            log.error("not noted as suspect", actor=str(address), error=str(error))

    def clear(self, address: Address) -> None:
        """Trust an actor again: its log's content has been written anew.

        Raises:
            OSError: If the storage refuses.
        """
        self._path(address).unlink(missing_ok=True)
        self._unnoted.discard(address)

    def _path(self, address: Address) -> Path:
        return Path(f"{self._folder}/{address.kind}.{address.key}")
