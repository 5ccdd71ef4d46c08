"""Failed log-ins under unknown names.

An account makes callers wait after failed attempts. If unknown names did not, trying a
name a few times would reveal whether it is an account. So these wait alike, over all
processes and restarts, and cost a turn as an account's attempts do.
"""

from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from actor_oauth.actors.user.account import wait_after
from actor_oauth.runtime import Actor, turn

MAX_NAMES: Final = 4096
"""Of one actor; the one that was tried least recently is forgotten."""

_MIGRATIONS: Final = Migrations("actor_oauth.unknown_names")


@_MIGRATIONS()
def m0001_attempts(db: sqlite_utils.Database) -> None:
    """Attempts by the key that the name's actor would have. Times are Unix seconds.

    `tried` numbers the attempts of the whole table.
    """
    db.execute(
        "CREATE TABLE attempts (key TEXT PRIMARY KEY, attempts INTEGER NOT NULL,"
        " blocked_until INTEGER NOT NULL, tried INTEGER NOT NULL)"
        " STRICT, WITHOUT ROWID"
    )
    db.execute("CREATE INDEX attempts_by_age ON attempts (tried)")


class UnknownNamesActor(Actor, kind="unknownnames"):
    """Owns some of the names; its key is from `unknown_names_key`."""

    migrations = _MIGRATIONS

    @turn(creates=True)
    def login_allowed(self, user_key: str, *, now: int) -> int:
        """Admit an attempt to log in, or say how long to wait, as an account does."""
        row: tuple[int, int] | None = self.db.execute(
            "SELECT attempts, blocked_until FROM attempts WHERE key = ?", (user_key,)
        ).fetchone()
        attempts, blocked_until = row or (0, 0)
        if now < blocked_until:
            return blocked_until - now
        self.db.execute(
            "INSERT OR REPLACE INTO attempts VALUES (?, ?, ?,"
            " (SELECT ifnull(max(tried), 0) + 1 FROM attempts))",
            (user_key, attempts + 1, now + wait_after(attempts + 1)),
        )
        return 0

    @turn
    def record_login(self, user_key: str) -> None:
        """Note that an attempt failed, which takes a write, as it does at an account."""
        self.db.execute(
            "UPDATE attempts SET attempts = attempts WHERE key = ?", (user_key,)
        )
        self.db.execute(
            "DELETE FROM attempts WHERE tried <= (SELECT max(tried) FROM attempts) - ?",
            (MAX_NAMES,),
        )


def unknown_names_key(user_key: str) -> str:
    """Give which actor owns a name, from the key that the name's own would have."""
    return user_key[:1]
