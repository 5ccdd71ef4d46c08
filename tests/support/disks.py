"""Disks that fail, hold back or forget on request, under the real engine.

`InlineDisk` runs what an engine offloads in the event loop's own thread. With it a test
has no threads at all, so `autojump_clock` may let hours pass: the clock jumps when every
task is blocked, and a task that waits for a thread would count as blocked too.
"""

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import trio

from actor_oauth.runtime.local import Disk

R = TypeVar("R")


def name_of(descriptor: int) -> str:
    """The name of an open file, or the one that it had before it was deleted."""
    return (
        Path(f"/proc/self/fd/{descriptor}").readlink().name.removesuffix(" (deleted)")
    )


class InlineDisk(Disk):
    """A disk without threads. It syncs nothing, since a test outlives no power failure."""

    async def offload(
        self, work: Callable[[], R], *, limiter: trio.CapacityLimiter | None = None
    ) -> R:
        """Run the work here and now."""
        await trio.lowlevel.checkpoint()
        return work()

    def sync_data(self, descriptor: int) -> None:
        """Nothing."""

    def sync_directory(self, path: Path) -> None:
        """Nothing."""

    def sync_everything(self) -> None:
        """Nothing."""


class FaultyDisk(InlineDisk):
    """A disk that tells what it synced, and fails or holds back when told to.

    Attributes:
        synced: The names of the files and folders synced, in order.
        failing: Ends of names whose sync fails, for as long as they are in here.
        failing_once: Ends of names whose next sync fails. Linux tells of a failure once.
        batches: How many batches of syncs there have been.
        boots: What it says of this run of the machine.
    """

    def __init__(self) -> None:
        self.boots: str | None = "this run"
        self.synced: list[str] = []
        self.failing: set[str] = set()
        self.failing_once: set[str] = set()
        self.batches = 0
        self._held = False
        self._waiting = 0
        self._changed = trio.Event()

    def boot(self) -> str | None:
        """What the test says."""
        return self.boots

    def sync_data(self, descriptor: int) -> None:
        """Note it, or fail."""
        self._check(name_of(descriptor))

    def sync_directory(self, path: Path) -> None:
        """Note it, or fail."""
        self._check(path.name)

    def _check(self, name: str) -> None:
        self.synced.append(name)
        once = {end for end in self.failing_once if name.endswith(end)}
        self.failing_once -= once
        if once or any(name.endswith(end) for end in self.failing):
            raise OSError(errno.EIO, "the test's disk fails", name)

    async def offload(
        self, work: Callable[[], R], *, limiter: trio.CapacityLimiter | None = None
    ) -> R:
        """Run the work; a batch of syncs (which alone is limited) may be held back."""
        await trio.lowlevel.checkpoint()
        if limiter is not None:
            self.batches += 1
            self._waiting += 1
            self._tell()
            try:
                while self._held:
                    await self._changed.wait()
            finally:
                self._waiting -= 1
        return work()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    def hold(self) -> None:
        """Begin no batch of syncs until `let_go`."""
        self._held = True

    def let_go(self) -> None:
        """Let the held batches be synced."""
        self._held = False
        self._tell()

    async def holds(self, count: int = 1) -> None:
        """Wait until so many batches are held back."""
        with trio.fail_after(20):
            while self._waiting < count:
                await self._changed.wait()


class PowerLossDisk(InlineDisk):
    """A disk that remembers what a power failure would leave: what was synced, only.

    A file is what it was when it was last synced, and has the names that its folder had
    when that was last synced. What SQLite syncs by itself is not seen, so the data that
    a test writes must not be checkpointed, nor its stores closed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[int, bytes] = {}
        self._names: dict[Path, dict[str, int]] = {}
        for path in root.rglob("*"):
            # What is there to begin with has been there for long.
            PowerLossDisk.sync_directory(self, path.parent)
            if path.is_file():
                self._files[path.stat().st_ino] = path.read_bytes()

    def boot(self) -> str | None:
        """Not the run of the machine in which a test looks at what is left."""
        return "before the power failure"

    def sync_data(self, descriptor: int) -> None:
        """Remember the file as it is now."""
        data = Path(f"/proc/self/fd/{descriptor}").read_bytes()
        self._files[os.fstat(descriptor).st_ino] = data

    def sync_directory(self, path: Path) -> None:
        """Remember the names as they are now."""
        self._names[path] = {
            child.name: child.stat().st_ino for child in path.iterdir()
        }

    def leave(self, target: Path) -> None:
        """Write what a power failure would leave now into another folder."""
        self._leave(self._root, target)

    def _leave(self, folder: Path, target: Path) -> None:
        target.mkdir(parents=True)
        for name, inode in self._names.get(folder, {}).items():
            if name.endswith("-shm"):
                continue
            if (folder / name).is_dir():
                self._leave(folder / name, target / name)
            else:
                (target / name).write_bytes(self._files.get(inode, b""))


def copy_as_killed(root: Path, target: Path) -> None:
    """What a process leaves that is killed now: every file as the kernel has it.

    Not the shared memory: whoever opens a database first builds it anew. By a process of
    its own, since closing a database file drops the locks of the process that closes it.
    """
    subprocess.run(["cp", "-r", root, target], check=True)
    for path in target.rglob("*-shm"):
        path.unlink()
