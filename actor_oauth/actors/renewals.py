"""Work lists of the vaults: tokens to refresh ahead of time, or to revoke.

A vault's alarm is a turn, and cannot reach the network. It puts what is due on one of
these lists, from which the processes take work. Work that was taken and not done
returns to the list when its lease ends, so that a crash loses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from actor_oauth.runtime import Actor, turn, view

RENEWALS: Final = "all"
"""Key of the list of connections to refresh."""

REVOCATIONS: Final = "revocations"
"""Key of the list of tokens to revoke."""

ENDINGS: Final = "endings"
"""Key of the list of ended connections that are still to be reported."""

MAX_TAKEN: Final = 64

SETTLING: Final = 300
"""Seconds in which every process has come to know a new key."""

RENEWALS_MIGRATIONS = Migrations("actor_oauth.renewals")


@RENEWALS_MIGRATIONS()
def m0001_due(db: sqlite_utils.Database) -> None:
    """What is due, first come first served; and with which key vaults are sealed."""
    db.execute(
        "CREATE TABLE due (vault TEXT, number INTEGER, leased_until INTEGER NOT NULL,"
        " PRIMARY KEY (vault, number)) STRICT, WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE sealed (id INTEGER PRIMARY KEY CHECK (id = 1), kid TEXT NOT NULL,"
        " next_kid TEXT NOT NULL, begins_at INTEGER NOT NULL) STRICT"
    )


@dataclass(frozen=True, slots=True)
class Renewal:
    """A connection to refresh or to report, or tokens to revoke.

    Attributes:
        vault: The key of their vault.
        number: Their number there.
    """

    vault: str
    number: int


class RenewalsActor(Actor, kind="renewals"):
    """Owns one of the lists."""

    migrations = RENEWALS_MIGRATIONS

    @turn(creates=True)
    def add(self, *, vault: str, number: int) -> None:
        """Put something on the list. What is on it stays as it is."""
        self.db.execute("INSERT OR IGNORE INTO due VALUES (?, ?, 0)", (vault, number))

    @view
    def is_waiting(self, *, now: int) -> bool:
        """Tell whether there is anything to take."""
        row: tuple[int] = self.db.execute(
            "SELECT EXISTS (SELECT 1 FROM due WHERE leased_until <= ?)", (now,)
        ).fetchone()
        return row[0] == 1

    @turn
    def take(self, *, limit: int, lease: int, now: int) -> Sequence[Renewal]:
        """Take some for oneself.

        Args:
            limit: How many at most.
            lease: Seconds until they come back if they are not `done`.
            now: The time of the turn.
        """
        rows: list[tuple[str, int]] = self.db.execute(
            "SELECT vault, number FROM due WHERE leased_until <= ? LIMIT ?",
            (now, min(limit, MAX_TAKEN)),
        ).fetchall()
        self.db.executemany(
            "UPDATE due SET leased_until = ? WHERE vault = ? AND number = ?",
            [(now + lease, vault, number) for vault, number in rows],
        )
        return tuple(Renewal(vault, number) for vault, number in rows)

    @turn
    def done(self, renewal: Renewal) -> None:
        """Take something off the list."""
        self.db.execute(
            "DELETE FROM due WHERE vault = ? AND number = ?",
            (renewal.vault, renewal.number),
        )

    @view
    def sealed_with(self) -> str | None:
        """Give the key that everything is sealed with for sure; None if it never was."""
        row: tuple[str] | None = self.db.execute("SELECT kid FROM sealed").fetchone()
        return None if row is None else row[0]

    @turn(creates=True)
    def begin_sealing(self, kid: str, *, lease: int, now: int) -> bool:
        """Claim the resealing of everything with the current key.

        Args:
            kid: The key's id.
            lease: Seconds until another process may begin.
            now: The time of the turn.

        Returns:
            False if it is done, is being done, or is too early: for a while there are
            processes that do not know the new key yet, and still use the old one.
        """
        row: tuple[str, str, int] = self.db.execute(
            "SELECT kid, next_kid, begins_at FROM sealed"
        ).fetchone() or ("", "", 0)
        if row[0] == kid or (row[1] == kid and now < row[2]):
            return False
        begins = row[1] == kid
        self.db.execute(
            "INSERT OR REPLACE INTO sealed VALUES (1, ?, ?, ?)",
            (row[0], kid, now + (lease if begins else SETTLING)),
        )
        return begins

    @turn
    def finish_sealing(self, kid: str) -> None:
        """Note that everything is sealed with a key."""
        self.db.execute("UPDATE sealed SET kid = ? WHERE next_kid = ?", (kid, kid))
