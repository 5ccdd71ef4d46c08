"""Which actors this process has in its care: one name a line, durable before its first turn.

An actor's alarm and outbox are rows in its own database. While a process has the actor in
memory it knows of them, and when it passivates the actor it leaves a wake-up in the index.
If it dies in between, its journal tells another process whom to visit. The journal is
locked for as long as its process lives.
"""

import os
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Final

import trio

from actor_oauth.runtime.address import Address
from actor_oauth.runtime.local.disk import Disk
from actor_oauth.runtime.local.locked_file import create_locked, orphans, write_all

# After a crash each named actor is visited: names of actors passivated since are dropped
# when there are this many more names than actors in memory.
SPARE_LINES: Final = 8192


class _Batch:
    """Names that are written together."""

    __slots__ = ("failure", "names")

    def __init__(self) -> None:
        self.names: list[Address] = []
        self.failure: OSError | None = None


class Journal:
    """This process's journal.

    Args:
        folder: Where the journals of all processes are.
        name: Unique to this process.
        disk: For syncs.
        in_care: Tells who must stay named when the journal is compacted.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        disk: Disk,
        in_care: Callable[[], Collection[Address]],
    ) -> None:
        self._folder = folder
        self._name = name
        self._disk = disk
        self._in_care = in_care
        self._generation = 0
        self._lines = 0
        self._spoilt = False
        self._gathering = _Batch()
        self._turn = trio.Lock()
        self._descriptor = -1
        self._path = folder / name

    def open(self) -> None:
        """Create the journal and lock it. Blocks.

        Raises:
            OSError: If the storage refuses.
        """
        self._descriptor, self._path = self._create([])

    async def announce(self, address: Address) -> None:
        """Return once the name is durable; several at once share a write and a sync.

        Cancelling it leaves the others' names alone.

        Raises:
            OSError: If the storage refuses.
        """
        batch = self._gathering
        batch.names.append(address)
        async with self._turn:
            if batch is self._gathering:
                self._gathering = _Batch()
                # The batch is everybody's: one caller's cancellation must not drop it.
                with trio.CancelScope(shield=True):
                    await self._write(batch)
        if batch.failure is not None:
            raise OSError(batch.failure.errno, "the journal cannot be written") from (
                batch.failure
            )

    async def _write(self, batch: _Batch) -> None:
        in_care = self._in_care()
        anew = self._spoilt or self._lines > len(in_care) + SPARE_LINES
        names = list(dict.fromkeys([*in_care, *batch.names])) if anew else batch.names
        try:
            await self._disk.offload(lambda: self._put(names, anew=anew))
        except OSError as error:
            # What was written of it may end in the middle of a line, and a failed sync
            # cannot be tried again: the next names go into a new file.
            self._spoilt = True
            batch.failure = error
        else:
            self._spoilt = False
            self._lines = len(names) if anew else self._lines + len(names)

    def _put(self, names: list[Address], *, anew: bool) -> None:
        if not anew:
            write_all(self._descriptor, _lines(names))
            self._disk.sync_data(self._descriptor)
            return
        old_descriptor, old_path = self._descriptor, self._path
        self._descriptor, self._path = self._create(names)
        old_path.unlink(missing_ok=True)
        os.close(old_descriptor)

    def close(self, *, remove: bool) -> None:
        """Give up the lock. Blocks.

        Args:
            remove: Whether nobody is in this process's care any more. If not, the
                journal is left for another process.
        """
        if self._descriptor < 0:
            return
        if remove:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1

    def _create(self, names: list[Address]) -> tuple[int, Path]:
        self._generation += 1
        path = self._folder / f"{self._name}-{self._generation}.live"
        return create_locked(path, _lines(names), self._disk), path


def _lines(names: Iterable[Address]) -> bytes:
    return "".join(f"{address}\n" for address in names).encode()


def adopt_orphans(folder: Path, adopt: Callable[[list[Address]], None]) -> None:
    """Take over the journals of dead processes. Blocks.

    Args:
        folder: Where the journals are.
        adopt: Called with the names in each; when it returns, the journal is removed.
    """
    for path in orphans(folder, "*.live"):
        adopt(_names(path.read_bytes()))
        path.unlink(missing_ok=True)


def _names(data: bytes) -> list[Address]:
    """Whom a journal names.

    A line cut short by a crash is left out, and so is garbage that a power failure left:
    what was not confirmed to be on disk belongs to an actor that had not run a turn yet.
    """
    lines = data.decode("ascii", "replace").split("\n")[:-1]
    names = []
    for line in dict.fromkeys(lines):
        try:
            names.append(Address.parse(line))
        except ValueError:
            continue
    return names
