"""Single use of assertions: the actor of their issuer remembers which were used.

Rule 1: an assertion is noted and found new in one turn. Of any number of copies, in
whatever worker, the first is new (D-47, E-13, K-14).
Rule 2: it is remembered until it has expired. What was purged is expired for good: a
clock that is set back revives nothing (K-13).
Rule 3: when the memory is full nothing is accepted, and nothing is forgotten for it.
"""

from enum import Enum
from typing import Final

import sqlite_utils

from actor_oauth.runtime import Database

PURGE_GRID: Final = 600

# No hash is empty, so this row can hold the time of the last purge.
_PURGED: Final = b""


class Use(Enum):
    """What became of an attempt to use an assertion."""

    FIRST = "first"
    REPEATED = "repeated"
    EXPIRED = "expired"
    NO_ROOM = "no room"


def create_assertion_tables(db: sqlite_utils.Database) -> None:
    """Make the table: a step of an actor's migrations."""
    db.execute(
        "CREATE TABLE assertions (jti BLOB PRIMARY KEY, keep_until INTEGER NOT NULL)"
        " STRICT, WITHOUT ROWID"
    )


def use_assertion(
    db: Database, jti_hash: bytes, *, keep_until: int, limit: int, now: int
) -> Use:
    """Use an assertion whose signature was verified.

    Args:
        db: The actor's database.
        jti_hash: Of its `jti`; not empty.
        keep_until: When it has expired for sure, in Unix seconds.
        limit: Assertions remembered at most.
        now: The time of the turn.
    """
    purged: tuple[int] | None = db.execute(
        "SELECT keep_until FROM assertions WHERE jti = ?", (_PURGED,)
    ).fetchone()
    if purged is not None and keep_until <= purged[0]:
        return Use.EXPIRED
    if not _has_room(db, limit=limit, now=now):
        return Use.NO_ROOM
    noted = db.execute(
        "INSERT OR IGNORE INTO assertions VALUES (?, ?)", (jti_hash, keep_until)
    ).rowcount
    return Use.FIRST if noted else Use.REPEATED


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
    return None if row[0] is None else purge_time(row[0])


def purge_time(keep_until: int) -> int:
    """Give the time at which to forget an assertion."""
    return (keep_until // PURGE_GRID + 1) * PURGE_GRID


def _has_room(db: Database, *, limit: int, now: int) -> bool:
    if _count(db) < limit:
        return True
    purge_assertions(db, now=now)
    return _count(db) < limit


def _count(db: Database) -> int:
    row: tuple[int] = db.execute("SELECT count(*) FROM assertions").fetchone()
    return row[0]
