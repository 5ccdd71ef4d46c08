"""The index of passivated actors with something to do: `wakes.db`, shared by all processes.

An entry may be too early, never too late: the actor's own rows decide whether anything is
due. So of two times the earlier one stands. An entry is written before the actor's
passivation is complete, and deleted only after the actor has been visited, unless it was
written again meanwhile: each writing leaves another stamp.
"""

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from actor_oauth.runtime.address import Address
from actor_oauth.runtime.engine import WAKES_AT_ONCE, Wake

BUSY_SECONDS: Final = 10.0

MIGRATIONS = Migrations("actor_oauth.wakes")


@MIGRATIONS()
def m0001_wakes(db: sqlite_utils.Database) -> None:
    """When to wake whom (seconds)."""
    db.execute(
        "CREATE TABLE wakes (address TEXT PRIMARY KEY, due INTEGER NOT NULL,"
        " stamp INTEGER NOT NULL) STRICT, WITHOUT ROWID"
    )
    db.execute("CREATE INDEX wakes_due ON wakes (due)")


class WakeIndex:
    """When to wake whom. Every method blocks: call it in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open the index, creating it if it is not there.

        Raises:
            OSError: If the storage refuses.
            sqlite3.Error: If it refuses later, or the file is damaged.
        """
        self._path.touch(mode=0o600)
        db = sqlite3.connect(
            self._path,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            # Several processes may start at once.
            db.execute("BEGIN IMMEDIATE")
            MIGRATIONS.apply(sqlite_utils.Database(db, recursive_triggers=False))
            db.execute("COMMIT")
        except BaseException:
            db.close()
            raise
        self._db = db

    def close(self) -> None:
        """Close it, if it is open."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def set(self, wakes: Iterable[tuple[Address, int]]) -> None:
        """Wake these actors at these times (seconds) at the latest, durably.

        Raises:
            sqlite3.Error: If the storage refuses.
        """
        self._in_transaction(
            "INSERT INTO wakes (address, due, stamp) VALUES (?, ?, random())"
            " ON CONFLICT DO UPDATE SET due = min(due, excluded.due), stamp = random()",
            [(str(address), due) for address, due in wakes],
        )

    def due(self, now: int) -> Sequence[Wake]:
        """Entries due by `now` (seconds), the earliest first; see `WAKES_AT_ONCE`."""
        with self._lock:
            rows: list[tuple[str, int]] = (
                self._open_db()
                .execute(
                    "SELECT address, stamp FROM wakes WHERE due <= ? ORDER BY due"
                    " LIMIT ?",
                    (now, WAKES_AT_ONCE),
                )
                .fetchall()
            )
        return [Wake(Address.parse(address), str(stamp)) for address, stamp in rows]

    def delete(self, wakes: Iterable[Wake]) -> None:
        """Forget entries, unless they have been written again since.

        Raises:
            sqlite3.Error: If the storage refuses.
        """
        self._in_transaction(
            "DELETE FROM wakes WHERE address = ? AND stamp = ?",
            [(str(wake.address), int(wake.receipt)) for wake in wakes],
        )

    def put_off(self, wakes: Iterable[Wake], until: int) -> None:
        """Move entries to a later time (seconds), unless written again since.

        Raises:
            sqlite3.Error: If the storage refuses.
        """
        self._in_transaction(
            "UPDATE wakes SET due = ? WHERE address = ? AND stamp = ?",
            [(until, str(wake.address), int(wake.receipt)) for wake in wakes],
        )

    def _in_transaction(self, sql: str, rows: Sequence[tuple[str | int, ...]]) -> None:
        if not rows:
            return
        with self._lock:
            db = self._open_db()
            db.execute("BEGIN IMMEDIATE")
            try:
                db.executemany(sql, rows)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _open_db(self) -> sqlite3.Connection:
        assert self._db is not None
        return self._db
