"""Short-lived records found by one key: rows of one table, distinguished by kind."""

from enum import StrEnum
from typing import Final

from actor_oauth.runtime import Database


class Kind(StrEnum):
    """What a row is."""

    SESSION = "session"
    CONSENT = "consent"
    ENDED_CLIENT = "ended_client"
    REMEMBERED = "remembered"
    IDENTITY = "identity"


NEVER: Final = 1 << 62
"""Expiry of rows that are stored here to save the page of a separate table."""


def put(db: Database, kind: Kind, key: bytes, record: str, *, expires_at: int) -> None:
    """Store a record, in place of one with the same key."""
    db.execute(
        "INSERT OR REPLACE INTO short_lived VALUES (?, ?, ?, ?)",
        (kind, key, expires_at, record),
    )


def get(db: Database, kind: Kind, key: bytes) -> tuple[int, str] | None:
    """Give the expiry and the record, or None. The caller compares the expiry."""
    row: tuple[int, str] | None = db.execute(
        "SELECT expires_at, record FROM short_lived WHERE kind = ? AND key = ?",
        (kind, key),
    ).fetchone()
    return row


def get_all(db: Database, kind: Kind) -> list[tuple[bytes, int, str]]:
    """Give the key, the expiry and the record of every one of a kind."""
    rows: list[tuple[bytes, int, str]] = db.execute(
        "SELECT key, expires_at, record FROM short_lived WHERE kind = ?", (kind,)
    ).fetchall()
    return rows


def remove(db: Database, kind: Kind, key: bytes) -> bool:
    """Delete a record; whether there was one."""
    cursor = db.execute(
        "DELETE FROM short_lived WHERE kind = ? AND key = ?", (kind, key)
    )
    return cursor.rowcount > 0


def remove_all(db: Database, kind: Kind) -> int:
    """Delete every record of a kind; how many there were."""
    return db.execute("DELETE FROM short_lived WHERE kind = ?", (kind,)).rowcount


def keep_newest(db: Database, kind: Kind, count: int) -> None:
    """Delete those of a kind that expire first, so that at most `count` are left."""
    db.execute(
        "DELETE FROM short_lived WHERE kind = ?1 AND key IN (SELECT key FROM short_lived"
        " WHERE kind = ?1 ORDER BY expires_at DESC LIMIT -1 OFFSET ?2)",
        (kind, count),
    )
