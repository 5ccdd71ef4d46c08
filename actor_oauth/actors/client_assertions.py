"""Assertions count once: the client's actor remembers which it has seen.

Rule 1: an assertion is noted and found new in one turn. Of any number of copies, in
whatever worker, the first is new (E-13, K-14).
Rule 2: it is remembered until it has expired. What was purged is expired for good: a
clock that is set back revives nothing (K-13).
Rule 3: when the memory is full nothing is accepted, and nothing is forgotten for it.
"""

from abc import abstractmethod
from typing import Final

import sqlite_utils

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.runtime import Actor, Database, turn

MAX_ASSERTIONS: Final = 20_000
"""Remembered for one client: some thirty requests a second, all the time."""

PURGE_GRID: Final = 600

# No hash is empty, so this row can stand for the time of the last purge.
_PURGED: Final = b""


def create_assertion_tables(db: sqlite_utils.Database) -> None:
    """Make the table: a step of the client actor's migrations."""
    db.execute(
        "CREATE TABLE assertions (jti BLOB PRIMARY KEY, keep_until INTEGER NOT NULL)"
        " STRICT, WITHOUT ROWID"
    )


def purge_assertions(db: Database, *, now: int) -> int | None:
    """Forget what has expired; give when there will be more of it."""
    deleted = db.execute(
        "DELETE FROM assertions WHERE keep_until <= ? AND jti <> ?", (now, _PURGED)
    ).rowcount
    if deleted:
        db.execute(
            "INSERT INTO assertions VALUES (?, ?) ON CONFLICT (jti) DO UPDATE"
            " SET keep_until = max(keep_until, excluded.keep_until)",
            (_PURGED, now),
        )
    row: tuple[int | None] = db.execute(
        "SELECT min(keep_until) FROM assertions WHERE jti <> ?", (_PURGED,)
    ).fetchone()
    return None if row[0] is None else _next_purge(row[0])


class AssertionMemory(Actor, kind="client"):
    """The part of a client's actor that knows which assertions were used."""

    @abstractmethod
    def client_in_force(self) -> Client | None:
        """Give the client with its current epoch; None unless it is active."""

    @turn
    def use_assertion(
        self, jti_hash: bytes, *, keep_until: int, now: int
    ) -> Refused | None:
        """Use an assertion whose signature was verified.

        Args:
            jti_hash: Of its `jti`; not empty.
            keep_until: When it has expired for sure.
            now: The time of the turn.

        Returns:
            Refused if it was used before, or if that cannot be known.
        """
        if self.client_in_force() is None:
            return Refused(Reason.CLIENT_UNKNOWN)
        purged: tuple[int] | None = self.db.execute(
            "SELECT keep_until FROM assertions WHERE jti = ?", (_PURGED,)
        ).fetchone()
        if purged is not None and keep_until <= purged[0]:
            return Refused(Reason.CLIENT_ASSERTION_EXPIRED)
        if not self._has_room(now=now):
            return Refused(Reason.CLIENT_ASSERTIONS_TOO_MANY)
        noted = self.db.execute(
            "INSERT OR IGNORE INTO assertions VALUES (?, ?)", (jti_hash, keep_until)
        ).rowcount
        if not noted:
            return Refused(Reason.CLIENT_ASSERTION_REPLAYED)
        at, alarm = _next_purge(keep_until), self.get_alarm()
        if alarm is None or alarm > at:
            self.set_alarm(at)
        return None

    def _has_room(self, *, now: int) -> bool:
        if _count(self.db) < MAX_ASSERTIONS:
            return True
        purge_assertions(self.db, now=now)
        return _count(self.db) < MAX_ASSERTIONS


def _count(db: Database) -> int:
    row: tuple[int] = db.execute("SELECT count(*) FROM assertions").fetchone()
    return row[0]


def _next_purge(keep_until: int) -> int:
    return (keep_until // PURGE_GRID + 1) * PURGE_GRID
