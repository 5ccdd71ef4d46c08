"""Documents fetched from the web, stored by the actor that needs them."""

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import sqlite_utils

from actor_oauth.oauth.metadata_document import CacheTimes
from actor_oauth.runtime import Database

RENEWAL_INTERVAL: Final = 60
"""Seconds between two fetches of a document that is still fresh (E-14)."""

DocumentKind: TypeAlias = Literal["metadata", "keys", "logo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A document as it was fetched.

    Attributes:
        body: The bytes.
        fetched_at: When, in Unix seconds.
        fresh_until: Until then it is used without asking.
        usable_until: Until then it is used if asking fails for a passing reason.
    """

    body: bytes = field(repr=False)
    fetched_at: int
    fresh_until: int
    usable_until: int


def create_document_tables(db: sqlite_utils.Database) -> None:
    """Make the tables: a step of an actor's migrations."""
    db.execute(
        "CREATE TABLE documents (kind TEXT PRIMARY KEY, body BLOB NOT NULL,"
        " fetched_at INTEGER NOT NULL, fresh_until INTEGER NOT NULL,"
        " usable_until INTEGER NOT NULL, asked_at INTEGER NOT NULL) STRICT"
    )


def load_document(db: Database, kind: DocumentKind) -> StoredDocument | None:
    """Give a document, or None if there is none."""
    row: tuple[bytes, int, int, int] | None = db.execute(
        "SELECT body, fetched_at, fresh_until, usable_until FROM documents"
        " WHERE kind = ?",
        (kind,),
    ).fetchone()
    if row is None:
        return None
    body, fetched_at, fresh_until, usable_until = row
    return StoredDocument(
        body=body,
        fetched_at=fetched_at,
        fresh_until=fresh_until,
        usable_until=usable_until,
    )


def save_document(
    db: Database, kind: DocumentKind, body: bytes, times: CacheTimes, *, now: int
) -> None:
    """Keep a document in the place of the one before."""
    db.execute(
        "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?)",
        (kind, body, now, times.fresh_until, times.usable_until, now),
    )


def begin_renewal(db: Database, kind: DocumentKind, *, now: int) -> bool:
    """Allow a document that is still fresh to be refetched, but not too often."""
    changed = db.execute(
        "UPDATE documents SET asked_at = ?"
        " WHERE kind = ? AND asked_at NOT BETWEEN ? AND ?",
        (now, kind, now - RENEWAL_INTERVAL + 1, now),
    ).rowcount
    return bool(changed)


def forget_document(db: Database, kind: DocumentKind) -> None:
    """Delete a document."""
    db.execute("DELETE FROM documents WHERE kind = ?", (kind,))


def forget_documents(db: Database) -> None:
    """Delete everything that was fetched."""
    db.execute("DELETE FROM documents")
