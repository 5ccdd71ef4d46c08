"""Which actors this process has in its care: one name a line, durable before its first turn.

An actor's alarm and outbox are rows in its own database. While a process has the actor in
memory it knows of them, and when it passivates the actor it leaves a wake-up in the index.
If it dies in between, its journal tells the next process whom to visit. The journal is
locked for as long as its process lives.
"""

import fcntl
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import trio

from actor_oauth.runtime.address import Address
from actor_oauth.runtime.local.disk import Disk

# Names of actors long passivated are harmless; beyond this many, they are dropped.
COMPACT_LINES: Final = 50_000


class Journal:
    """This process's journal.

    Args:
        folder: Where the journals of all processes are.
        name: Unique to this process.
        disk: For syncs.
        live: Tells who is in memory, when the journal is compacted.
    """

    def __init__(
        self, folder: Path, name: str, disk: Disk, live: Callable[[], Iterable[Address]]
    ) -> None:
        self._folder = folder
        self._name = name
        self._disk = disk
        self._live = live
        self._generation = 0
        self._lines = 0
        self._pending: list[Address] = []
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

        Raises:
            OSError: If the disk did not confirm.
        """
        self._pending.append(address)
        async with self._turn:
            if not self._pending:
                return
            batch, self._pending = self._pending, []
            self._lines += len(batch)
            if self._lines > COMPACT_LINES:
                names = list(dict.fromkeys([*self._live(), *batch]))
                await trio.to_thread.run_sync(self._compact, names)
                self._lines = len(names)
            else:
                await trio.to_thread.run_sync(self._append, batch)

    def close(self) -> None:
        """Remove the journal: everything has been passivated. Blocks."""
        if self._descriptor >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1

    def abandon(self) -> None:
        """Give up the lock and leave the journal to the next process. Blocks."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, addresses: Iterable[Address]) -> None:
        _write(self._descriptor, addresses)
        self._disk.sync_data(self._descriptor)

    def _compact(self, addresses: list[Address]) -> None:
        old_descriptor, old_path = self._descriptor, self._path
        self._descriptor, self._path = self._create(addresses)
        old_path.unlink()
        os.close(old_descriptor)

    def _create(self, addresses: list[Address]) -> tuple[int, Path]:
        self._generation += 1
        path = self._folder / f"{self._name}-{self._generation}.live"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _write(descriptor, addresses)
            self._disk.sync_data(descriptor)
            self._disk.sync_directory(self._folder)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor, path


def _write(descriptor: int, addresses: Iterable[Address]) -> None:
    data = "".join(f"{address}\n" for address in addresses).encode()
    while data:
        data = data[os.write(descriptor, data) :]


def orphans(folder: Path) -> dict[Path, list[Address]]:
    """The journals whose process is dead, and whom they name. Blocks.

    A line cut short by the crash is left out: its actor had not run a turn yet.
    """
    found: dict[Path, list[Address]] = {}
    for path in sorted(folder.glob("*.live")):
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            text = path.read_bytes().decode("ascii", "replace")
        except BlockingIOError:
            continue
        finally:
            os.close(descriptor)
        found[path] = [
            Address.parse(line) for line in dict.fromkeys(text.split("\n")[:-1])
        ]
    return found
