"""The index of passivated actors with an alarm: `wakes.db`, shared by all processes.

An entry may be too early, never too late: the actor's own row decides whether anything is
due. It is written before the actor's passivation is complete, and deleted only after the
actor has been visited.
"""

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import sqlite_utils

from actor_oauth.runtime.address import Address

BUSY_SECONDS: Final = 10.0
BATCH: Final = 256


class WakeIndex:
    """When to wake whom. Every method blocks: call it in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open the index, creating it if it is not there.

        Raises:
            sqlite3.Error: If the storage refuses, or the file is damaged.
        """
        db = sqlite3.connect(
            self._path,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        self._db = db
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        table = sqlite_utils.Database(db)["wakes"]
        assert isinstance(table, sqlite_utils.db.Table)
        table.create({"address": str, "due": int}, pk="address", if_not_exists=True)
        table.create_index(["due"], if_not_exists=True)

    def close(self) -> None:
        """Close it, if it is open."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def set(self, wakes: Iterable[tuple[Address, int]]) -> None:
        """Wake these actors at these times (seconds), durably; replaces earlier entries.

        Raises:
            sqlite3.Error: If the storage refuses.
        """
        self._in_transaction(
            "INSERT OR REPLACE INTO wakes (address, due) VALUES (?, ?)",
            [(str(address), due) for address, due in wakes],
        )

    def due(self, now: int) -> Sequence[tuple[Address, int]]:
        """Entries due by `now` (seconds), the earliest first, at most 256."""
        with self._lock:
            rows: list[tuple[str, int]] = (
                self._open_db()
                .execute(
                    "SELECT address, due FROM wakes WHERE due <= ? ORDER BY due LIMIT ?",
                    (now, BATCH),
                )
                .fetchall()
            )
        return [(Address.parse(address), due) for address, due in rows]

    def delete(self, wakes: Iterable[tuple[Address, int]]) -> None:
        """Forget entries, unless they have been set to another time since."""
        self._in_transaction(
            "DELETE FROM wakes WHERE address = ? AND due = ?",
            [(str(address), due) for address, due in wakes],
        )

    def _in_transaction(self, sql: str, rows: list[tuple[str, int]]) -> None:
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
