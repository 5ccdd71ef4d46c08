"""The index of all clients or users, for listing.

It owns no truth. Registering and deleting happen in the actor of the client or user,
whose outbox tells the directory, so that for a moment it may lag behind.
"""

from dataclasses import dataclass
from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from actor_oauth.runtime import Actor, turn, view

CLIENTS: Final = "clients"
"""Key of the directory of clients."""

USERS: Final = "users"
"""Key of the directory of users."""

MAX_PAGE: Final = 1000

DIRECTORY_MIGRATIONS = Migrations("actor_oauth.directory")


@DIRECTORY_MIGRATIONS()
def m0001_entries(db: sqlite_utils.Database) -> None:
    """Ids with the time from which they are listed."""
    db.execute(
        "CREATE TABLE entries (id TEXT PRIMARY KEY, created_at INTEGER NOT NULL)"
        " STRICT, WITHOUT ROWID"
    )
    db.execute("CREATE INDEX entries_by_age ON entries (created_at, id)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One id in a directory.

    Attributes:
        entry_id: Of the client or user.
        created_at: Since when, in Unix seconds.
    """

    entry_id: str
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryPage:
    """Some entries, oldest first.

    Attributes:
        entries: In order.
        next_cursor: For the page after this one; None at the end.
    """

    entries: tuple[Entry, ...]
    next_cursor: str | None


class DirectoryActor(Actor, kind="directory"):
    """Owns one index, named by its key."""

    migrations = DIRECTORY_MIGRATIONS

    @turn(creates=True)
    def add(self, *, entry_id: str, created_at: int) -> None:
        """List an id. One that is listed already stays as it is."""
        self.db.execute(
            "INSERT OR IGNORE INTO entries VALUES (?, ?)", (entry_id, created_at)
        )

    @turn(creates=True)
    def remove(self, *, entry_id: str) -> None:
        """List an id no longer. Nothing happens if it is not listed."""
        self.db.execute("DELETE FROM entries WHERE id = ?", (entry_id,))

    @view
    def page(self, *, cursor: str | None = None, limit: int = 100) -> DirectoryPage:
        """Give the entries after a cursor, oldest first.

        What is added or removed between two pages is listed or not, but never twice.

        Args:
            cursor: From the page before; None, or one that cannot be read, to begin.
            limit: Entries at most, 1 to 1000.
        """
        limit = max(1, min(limit, MAX_PAGE))
        rows: list[tuple[str, int]] = self.db.execute(
            "SELECT id, created_at FROM entries WHERE (created_at, id) > (?, ?)"
            " ORDER BY created_at, id LIMIT ?",
            (*_parse_cursor(cursor), limit + 1),
        ).fetchall()
        entries = tuple(
            Entry(entry_id=entry_id, created_at=created_at)
            for entry_id, created_at in rows[:limit]
        )
        more = len(rows) > limit
        return DirectoryPage(
            entries=entries, next_cursor=_cursor(entries[-1]) if more else None
        )

    @view
    def count(self) -> int:
        """Give the number of entries."""
        (number,) = self.db.execute("SELECT count(*) FROM entries").fetchone()
        assert isinstance(number, int)
        return number


def _cursor(entry: Entry) -> str:
    return f"{entry.created_at}.{entry.entry_id}"


def _parse_cursor(cursor: str | None) -> tuple[int, str]:
    digits, _, entry_id = (cursor or "").partition(".")
    if not digits.isascii() or not digits.isdigit() or len(digits) > len("9" * 15):
        return -1, ""
    return int(digits), entry_id
