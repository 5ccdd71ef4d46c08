"""Pending sign-ins at other services.

They belong to nobody yet, so each of 256 actors owns those whose state's hash begins with
its two digits. Taking one deletes it: of two answers with the same state one is acted on.
"""

import hmac
from dataclasses import dataclass, field
from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from actor_oauth.oauth.federation.faults import SignInFault, SignInRefused
from actor_oauth.runtime import Actor, turn

MAX_SIGN_INS: Final = 4096
"""Maximum per actor: anonymous requests can begin one (C-22)."""

_MIGRATIONS: Final = Migrations("actor_oauth.sign_ins")


@_MIGRATIONS()
def m0001_sign_ins(db: sqlite_utils.Database) -> None:
    """Sign-ins by the hash of their state. Times are Unix seconds."""
    db.execute(
        "CREATE TABLE sign_ins (key BLOB PRIMARY KEY, browser BLOB NOT NULL,"
        " provider TEXT NOT NULL, expires_at INTEGER NOT NULL, record BLOB NOT NULL)"
        " STRICT, WITHOUT ROWID"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunSignIn:
    """A sign-in that waits for its answer.

    Attributes:
        provider: The service's name.
        record: What was sealed when it began.
        expires_at: In Unix seconds.
    """

    provider: str
    record: bytes = field(repr=False)
    expires_at: int


class SignInsActor(Actor, kind="signins"):
    """Owns some of the sign-ins under way; its key is from `sign_ins_key`."""

    migrations = _MIGRATIONS

    @turn(creates=True)
    def begin(
        self, key: bytes, sign_in: BegunSignIn, *, browser: bytes, now: int
    ) -> bool:
        """Keep a sign-in until its answer comes.

        Args:
            key: From `state_hash`.
            sign_in: What to keep.
            browser: A hash of the mark of the browser that may bring the answer.
            now: The time of the turn, in Unix seconds.

        Returns:
            False if there are too many.
        """
        self._purge(now)
        (count,) = self.db.execute("SELECT count(*) FROM sign_ins").fetchone()
        if count >= MAX_SIGN_INS:
            return False
        self.db.execute(
            "INSERT INTO sign_ins VALUES (?, ?, ?, ?, ?)",
            (key, browser, sign_in.provider, sign_in.expires_at, sign_in.record),
        )
        self.wake_by(sign_in.expires_at)
        return True

    @turn
    def take(
        self, key: bytes, *, provider: str, browser: bytes, now: int
    ) -> BegunSignIn | SignInRefused:
        """Give a sign-in to the first answer that names it.

        Another browser, or another service's address, takes nothing from it.
        """
        row: tuple[bytes, str, int, bytes] | None = self.db.execute(
            "SELECT browser, provider, expires_at, record FROM sign_ins WHERE key = ?",
            (key,),
        ).fetchone()
        if row is None or now >= row[2] or row[1] != provider:
            return SignInRefused(fault=SignInFault.ATTEMPT_UNKNOWN)
        if not hmac.compare_digest(row[0], browser):
            return SignInRefused(fault=SignInFault.BROWSER_WRONG)
        self.db.execute("DELETE FROM sign_ins WHERE key = ?", (key,))
        return BegunSignIn(provider=row[1], record=row[3], expires_at=row[2])

    def on_alarm(self, *, now: int) -> None:
        """Delete what has expired."""
        self._purge(now)
        (following,) = self.db.execute(
            "SELECT min(expires_at) FROM sign_ins"
        ).fetchone()
        self.set_alarm(following)

    def _purge(self, now: int) -> None:
        self.db.execute("DELETE FROM sign_ins WHERE expires_at <= ?", (now,))


def sign_ins_key(key: bytes) -> str:
    """Give which actor owns a sign-in, from the hash of its state."""
    return key[:1].hex()
