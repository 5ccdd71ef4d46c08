"""Which account an identity of another service leads to, if not to its own."""

from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from actor_oauth.runtime import Actor, turn, view

_MIGRATIONS: Final = Migrations("actor_oauth.identity")


@_MIGRATIONS()
def m0001_link(db: sqlite_utils.Database) -> None:
    """One row at most: whose identity it is. Times are Unix seconds."""
    db.execute(
        "CREATE TABLE link (id INTEGER PRIMARY KEY CHECK (id = 1),"
        " user_id TEXT NOT NULL, at INTEGER NOT NULL) STRICT"
    )


class IdentityActor(Actor, kind="identity"):
    """Owns one identity. Its key is a keyed hash of issuer and subject."""

    migrations = _MIGRATIONS

    @view
    def user_id(self) -> str | None:
        """Give the account that this identity was connected to, or None."""
        row: tuple[str] | None = self.db.execute("SELECT user_id FROM link").fetchone()
        return None if row is None else row[0]

    @turn(creates=True)
    def link(self, user_id: str, *, now: int) -> bool:
        """Connect this identity to an account.

        Returns:
            False if it is linked to another one.
        """
        known = self.db.execute("SELECT user_id FROM link").fetchone()
        if known is not None:
            return bool(known[0] == user_id)
        self.db.execute("INSERT INTO link VALUES (1, ?, ?)", (user_id, now))
        return True

    @turn
    def unlink(self, user_id: str) -> bool:
        """End the connection to an account; False if there is none."""
        changed = self.db.execute("DELETE FROM link WHERE user_id = ?", (user_id,))
        return changed.rowcount == 1
