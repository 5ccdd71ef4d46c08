"""The system calls that make things durable: the seam where tests put a failing disk."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import trio

R = TypeVar("R")


THREADS: Final = 40
"""For work that has no limit of its own."""

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Disk:
    """Stable storage. Every plain method blocks: call it in `offload`."""

    def __init__(self) -> None:
        # Not Trio's own: whatever else is run in threads, such as an application's tools,
        # could take all of those and have every actor wait.
        self._threads = trio.CapacityLimiter(THREADS)

    def boot(self) -> str | None:
        """Name this run of the machine, up to its next power failure; None if unknown."""
        try:
            return _BOOT_ID.read_text().strip()
        except OSError:
            return None

    def sync_data(self, descriptor: int) -> None:
        """Put a file's data on stable storage.

        Raises:
            OSError: If that failed; the data may be gone, and trying again proves nothing.
        """
        os.fdatasync(descriptor)

    def sync_directory(self, path: Path) -> None:
        """Make the names in a directory durable.

        Raises:
            OSError: As for `sync_data`.
        """
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def sync_everything(self) -> None:
        """Put everything that was written on stable storage: many files at once."""
        os.sync()

    async def offload(
        self, work: Callable[[], R], *, limiter: trio.CapacityLimiter | None = None
    ) -> R:
        """Run work that blocks without blocking the event loop.

        Once begun it is finished, and its result given, whether cancelled or not.

        Args:
            work: What to run.
            limiter: Bounds how much of its sort runs at once; by default all together.
        """
        return await trio.to_thread.run_sync(work, limiter=limiter or self._threads)
