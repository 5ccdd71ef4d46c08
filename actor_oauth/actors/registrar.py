"""The actor that decides who may register clients: it owns the initial access tokens."""

from dataclasses import dataclass
from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from actor_oauth.runtime import Actor, Database, turn, view

REGISTRAR_KEY: Final = "0"

MAX_INITIAL_TOKENS: Final = 1000

REGISTRAR_MIGRATIONS = Migrations("actor_oauth.registrar")


@REGISTRAR_MIGRATIONS()
def m0001_initial_tokens(db: sqlite_utils.Database) -> None:
    """Initial access tokens by hash, with what limits them; NULL is no limit."""
    db.execute(
        "CREATE TABLE initial_tokens (hash BLOB PRIMARY KEY, label TEXT NOT NULL,"
        " issued_at INTEGER NOT NULL, expires_at INTEGER, uses_left INTEGER)"
        " STRICT, WITHOUT ROWID"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialToken:
    """An initial access token as an operator sees it, without the token.

    Attributes:
        label: The operator's name for it.
        issued_at: When it was made, in Unix seconds.
        expires_at: Until when it is valid; None for no limit.
        uses_left: How many clients it may still register; None for no limit.
    """

    label: str
    issued_at: int
    expires_at: int | None
    uses_left: int | None


class RegistrarActor(Actor, kind="registrar"):
    """Owns the initial access tokens of a server (RFC 7591 §3)."""

    migrations = REGISTRAR_MIGRATIONS

    @turn(creates=True)
    def issue(
        self,
        token_hash: bytes,
        *,
        label: str,
        now: int,
        expires_at: int | None,
        uses: int | None,
    ) -> bool:
        """Let a token register clients; False if there are too many tokens."""
        self._purge(now)
        (count,) = self.db.execute("SELECT count(*) FROM initial_tokens").fetchone()
        if count >= MAX_INITIAL_TOKENS:
            return False
        self.db.execute(
            "INSERT INTO initial_tokens VALUES (?, ?, ?, ?, ?)",
            (token_hash, label, now, expires_at, uses),
        )
        return True

    @view
    def is_good(self, token_hash: bytes, *, now: int) -> bool:
        """Whether a token may register a client, if nobody is faster."""
        return _is_good(self.db, token_hash, now)

    @turn
    def use(self, token_hash: bytes, *, now: int) -> bool:
        """Use a token once; False if it is not good, or not any more."""
        if not _is_good(self.db, token_hash, now):
            return False
        self.db.execute(
            "UPDATE initial_tokens SET uses_left = uses_left - 1 WHERE hash = ?",
            (token_hash,),
        )
        self._purge(now)
        return True

    @turn
    def revoke(self, label: str) -> int:
        """Revoke every token of a label; gives how many there were."""
        return self.db.execute(
            "DELETE FROM initial_tokens WHERE label = ?", (label,)
        ).rowcount

    @view
    def listed(self, *, now: int) -> list[InitialToken]:
        """Give the tokens that are good, oldest first."""
        rows: list[tuple[str, int, int | None, int | None]] = self.db.execute(
            "SELECT label, issued_at, expires_at, uses_left FROM initial_tokens"
            " WHERE expires_at IS NULL OR expires_at > ? ORDER BY issued_at, label",
            (now,),
        ).fetchall()
        return [
            InitialToken(
                label=label, issued_at=issued_at, expires_at=expires_at, uses_left=left
            )
            for label, issued_at, expires_at, left in rows
        ]

    def _purge(self, now: int) -> None:
        self.db.execute(
            "DELETE FROM initial_tokens WHERE expires_at <= ? OR uses_left <= 0", (now,)
        )


def _is_good(db: Database, token_hash: bytes, now: int) -> bool:
    found = db.execute(
        "SELECT 1 FROM initial_tokens WHERE hash = ?"
        " AND (expires_at IS NULL OR expires_at > ?)"
        " AND (uses_left IS NULL OR uses_left > 0)",
        (token_hash, now),
    ).fetchone()
    return found is not None
