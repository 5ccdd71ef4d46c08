"""One log for the commits of all actors: a batch is durable with one write and one sync.

Syncing each actor's own log costs a sync per actor. Here a batch's commits are copied, as
they stand in those logs, to the end of one file, and that is synced. What the machine then
loses of the actors' own logs when its power fails is put back from here at the next start
(see `redo_recovery`). A segment goes once all the logs that it covers have been synced,
when it is full or old: what actors have erased may stand in it.
"""

import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

import structlog

from actor_oauth.runtime.address import Address
from actor_oauth.runtime.local.disk import Disk
from actor_oauth.runtime.local.locked_file import create_locked, write_all
from actor_oauth.runtime.local.redo_records import Record, encode, file_head

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

SEGMENT_BYTES: Final = 16 << 20

SEGMENT_SECONDS: Final = 3600
"""After which a segment goes though it is not full, with the erased rows in it."""


class _Segment:
    """One file of the redo log, and whose logs it covers."""

    __slots__ = ("bytes", "covered", "descriptor", "path")

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor
        self.bytes = 0
        self.covered: set[Address] = set()


class RedoLog:
    """This process's redo log. All methods block; one thread at a time calls `append`.

    Args:
        folder: Where the redo logs of all processes are.
        name: Unique to this process.
        boot: Names this run of the machine; None if that cannot be known, and then there
            is no redo log: nobody could tell whether it has to be put back.
        disk: For syncs.
        sync_logs: Puts the write-ahead logs of actors on stable storage.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        boot: str | None,
        disk: Disk,
        sync_logs: Callable[[Collection[Address]], None],
    ) -> None:
        self._folder = folder
        self._name = name
        self._boot = boot
        self._disk = disk
        self._sync_logs = sync_logs
        self._generation = 0
        self._current: _Segment | None = None
        self._full: list[_Segment] = []

    @property
    def usable(self) -> bool:
        """Whether `append` may be called."""
        return self._current is not None

    @property
    def has_full_segments(self) -> bool:
        """Whether `retire` has something to do."""
        return bool(self._full)

    def open(self) -> None:
        """Begin the first segment.

        Raises:
            OSError: If the storage refuses.
        """
        if self._boot is not None:
            self._current = self._begin(self._boot)

    def append(self, records: Sequence[Record]) -> None:
        """Make records durable.

        Raises:
            OSError: If the storage refuses. There is no redo log from then on: what was
                appended before is safe, these records may or may not be.
        """
        segment = self._current
        assert segment is not None
        data = encode(records)
        # Before the write, so that a segment that fails half-way still covers them.
        segment.covered.update(record.address for record in records)
        try:
            write_all(segment.descriptor, data)
            self._disk.sync_data(segment.descriptor)
            segment.bytes += len(data)
            if segment.bytes >= SEGMENT_BYTES:
                self._follow(segment)
        except OSError as error:
            log.error("redo log given up: each log is synced", error=str(error))
            self._full.append(segment)
            self._current = None
            raise

    def end_segment(self) -> None:
        """Call the segment full if there is anything in it; not beside `append`.

        What an actor has erased may stand in it.

        Raises:
            OSError: If the storage refuses a new one; the old one goes on then.
        """
        segment = self._current
        if segment is not None and segment.bytes:
            self._follow(segment)

    def retire(self) -> None:
        """Sync the logs that full segments cover, and delete the segments.

        A segment whose logs cannot be synced stays: it is the only safe copy.
        """
        while (segment := self._take_full()) is not None:
            try:
                self._sync_logs(segment.covered)
                segment.path.unlink(missing_ok=True)
            except OSError as error:
                log.error("redo log kept", file=segment.path.name, error=str(error))
            os.close(segment.descriptor)

    def close(self) -> None:
        """Give up the redo log, after the stores."""
        if self._current is not None:
            self._full.append(self._current)
            self._current = None
        self.retire()

    def _take_full(self) -> _Segment | None:
        # Several threads may retire: each segment is closed by one of them.
        try:
            return self._full.pop(0)
        except IndexError:
            return None

    def _follow(self, segment: _Segment) -> None:
        assert self._boot is not None
        following = self._begin(self._boot)
        self._full.append(segment)
        self._current = following

    def _begin(self, boot: str) -> _Segment:
        self._generation += 1
        path = self._folder / f"{self._name}-{self._generation}.redo"
        return _Segment(path, create_locked(path, file_head(boot), self._disk))
