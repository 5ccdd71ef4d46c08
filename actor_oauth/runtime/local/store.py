"""One actor's SQLite file, open."""

import contextlib
import errno
import os
import sqlite3
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trio

from actor_oauth.runtime.address import Address
from actor_oauth.runtime.local.disk import Disk
from actor_oauth.runtime.local.files import BEGIN, COMMIT, start_log
from actor_oauth.runtime.local.journal import Journal
from actor_oauth.runtime.local.log_tail import Copied, LogTail, Pending, copy_commits
from actor_oauth.runtime.local.suspects import Suspects
from actor_oauth.runtime.storage_faults import Fault, storage_fault

# A turn holds the lock for some 0.1 ms, so another process gets it soon.
FIRST_WAIT_SECONDS: Final = 0.0002
LAST_WAIT_SECONDS: Final = 0.005

CHECKPOINT_COMMITS: Final = 512

_BEGIN_VIEW: Final = "BEGIN /* view */"
_ROLLBACK: Final = "ROLLBACK /* turn */"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a sync begins with.

    Attributes:
        seen: The newest foreign commit that a turn or view had seen.
        pending: The store's own commits.
    """

    seen: int
    pending: Pending


class LocalStore:
    """A connection, its write-ahead log, and how much of that is durable.

    Commits of other processes are noticed by `PRAGMA data_version`: they may not be on
    stable storage yet, so whoever has seen them waits for a sync of the log, which covers
    whatever any process appended to it.
    """

    def __init__(
        self,
        address: Address,
        path: Path,
        db: sqlite3.Connection,
        journal: Journal,
        disk: Disk,
        suspects: Suspects,
    ) -> None:
        self.address = address
        self.path = path
        self.db = db
        self.commits = 0
        self.tail = LogTail()
        self._journal = journal
        self._disk = disk
        self._suspects = suspects
        self._announced = False
        self._kept_out = False
        self._changes = 0
        self._wait_seconds = FIRST_WAIT_SECONDS
        self._log_named = False
        self._seen = self._data_version()
        # Reading made SQLite create the log. It carries no locks: it may be opened.
        self._log = os.open(f"{path}-wal", os.O_RDWR)
        # Who left commits in the log, and whether they were synced, is unknown.
        self._durable: int | None = self._seen if self._log_is_empty() else None

    def begin(self) -> bool:
        """Open a turn's transaction; see `Store.begin`."""
        if self._kept_out or not self._announced or not self._begin(BEGIN):
            return False
        self._changes = self.db.total_changes
        self.tail.look(self._log)
        return True

    def begin_view(self) -> bool:
        """Open a read transaction; see `Store.begin_view`."""
        return self._begin(_BEGIN_VIEW)

    def _begin(self, sql: str) -> bool:
        try:
            self.db.execute(sql)
            # The first read takes the snapshot, and so meets what might stand in its way.
            seen = self._data_version()
        except sqlite3.Error as error:
            self.rollback()
            if storage_fault(error) is Fault.BUSY:
                return False
            raise
        if seen != self._seen:
            self._seen = seen
            self.tail.lose()
        self._wait_seconds = FIRST_WAIT_SECONDS
        return True

    def commit(self) -> bool:
        """Commit; see `Store.commit`."""
        self.db.execute(COMMIT)
        # Turns change rows and nothing else, so none is missed in the log.
        if self.db.total_changes == self._changes:
            return self._seen != self._durable
        self.commits += 1
        self.tail.committed()
        return True

    def rollback(self) -> bool:
        """Undo; see `Store.rollback`."""
        if self.db.in_transaction:
            self.db.execute(_ROLLBACK)
        return self._seen != self._durable

    def version(self) -> Hashable:
        """Name what is committed now; see `Store.version`.

        SQLite counts the commits of others in one number, and in another, which only
        rises, the rows that this connection has changed.
        """
        return self._data_version(), self.db.total_changes

    async def wait(self, *, to_write: bool) -> None:
        """Announce the activation, or wait for another process's turn or a checkpoint.

        Raises:
            OSError: If the activation could not be announced.
        """
        if to_write and not self._announced:
            await self._journal.announce(self.address)
            self._start_log()
            self._announced = True
            return
        await trio.sleep(self._wait_seconds)
        self._wait_seconds = min(self._wait_seconds * 2, LAST_WAIT_SECONDS)

    @contextlib.contextmanager
    def turns_kept_out(self) -> Iterator[None]:
        """Let no turn begin for as long as the block lasts; they `wait`."""
        self._kept_out = True
        try:
            yield
        finally:
            self._kept_out = False

    def _start_log(self) -> None:
        if self._log_is_empty():
            # What stands in the way of this will be reported by the turn.
            with contextlib.suppress(sqlite3.Error):
                start_log(self.db, self._log)

    def _log_is_empty(self) -> bool:
        return os.fstat(self._log).st_size == 0

    def _data_version(self) -> int:
        row: tuple[int] = self.db.execute("PRAGMA data_version").fetchone()
        return row[0]

    @property
    def may_have_duties(self) -> bool:
        """Whether a turn may have run here, so that wake-ups are this process's duty."""
        return self._announced

    def mark(self) -> Mark:
        """What a sync that begins now has to make durable."""
        return Mark(self._seen, self.tail.pending())

    def copy_commits(self, mark: Mark) -> Copied | None:
        """Copy the commits out of the log; None if the log itself must be synced.

        The connection is not touched.

        Raises:
            OSError: If the log cannot be read.
        """
        return copy_commits(self._log, mark.pending)

    def sync(self) -> None:
        """Put the log on stable storage. In a thread; the connection is not touched.

        Raises:
            OSError: If the disk did not confirm.
        """
        self._disk.sync_data(self._log)
        if not self._log_named:
            # Whoever began the log may have been killed before syncing its name.
            self._disk.sync_directory(self.path.parent)
            self._log_named = True
            # If another process was told of a failure before this one opened the log,
            # this sync has proved nothing.
            if self.address in self._suspects:
                raise OSError(errno.EIO, "another process could not sync the log")

    def doubt(self) -> None:
        """Have whoever opens the actor next, in any process, write its log anew. Blocks."""
        self._suspects.add(self.address)

    def made_durable(self, mark: Mark, copied: Copied | None) -> None:
        """Note what a sync covered: all that had been committed and seen at its mark."""
        self._durable = mark.seen
        self.tail.made_durable(mark.pending, copied)

    def close(self) -> None:
        """Close the connection; the last one moves the log into the database. Blocks."""
        # The log's descriptor goes last: while it is open its number is not reused.
        try:
            self.db.close()
            self._look_after_log()
        finally:
            os.close(self._log)

    def _look_after_log(self) -> None:
        """See that a log which stays, for another process or a failure, can be trusted.

        Commits that the redo log covers may not be in it on the disk, and a failure to
        write them is told to this descriptor, but not to one that is opened later.
        """
        if self._announced and os.fstat(self._log).st_nlink:
            try:
                self._disk.sync_data(self._log)
            except OSError:
                self.doubt()
