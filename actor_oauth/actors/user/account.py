"""The account: who the user is, the password's hash, and how often it may be tried."""

from dataclasses import dataclass, field
from typing import Final

from actor_oauth.actors.user.audit import (
    AccountEvent,
    record_event,
    record_failed_login,
)
from actor_oauth.runtime import Database

FREE_ATTEMPTS: Final = 5
"""Attempts that may fail in a row before the account makes callers wait."""

_DISABLED: Final = 1
_DELETED: Final = 2

MAX_WAIT: Final = 300
"""Seconds. Guessing stays hopeless, and nobody is locked out for long by a stranger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user.

    Attributes:
        user_id: The name; the `sub` of tokens.
        password_hash: An argon2 text; None for one who cannot log in by password.
        disabled: Whether the user may do nothing at all; so is a deleted one.
        deleted: Whether only the tombstone is left.
        created_at: In Unix seconds.
    """

    user_id: str
    password_hash: str | None = field(repr=False)
    disabled: bool
    created_at: int
    deleted: bool = False


def load_account(db: Database) -> Account | None:
    """Give the account or its tombstone, or None if there is neither."""
    row: tuple[str, str | None, int, int] | None = db.execute(
        "SELECT user_id, password_hash, disabled, created_at FROM account"
    ).fetchone()
    if row is None:
        return None
    user_id, password_hash, disabled, created_at = row
    return Account(
        user_id=user_id,
        password_hash=password_hash,
        disabled=disabled >= _DISABLED,
        deleted=disabled == _DELETED,
        created_at=created_at,
    )


def insert_account(
    db: Database, user_id: str, *, password_hash: str | None, now: int
) -> None:
    """Make the account."""
    db.execute(
        "INSERT INTO account VALUES (1, ?, ?, 0, 0, 0, 0, ?)",
        (user_id, password_hash, now),
    )
    record_event(db, AccountEvent.ACCOUNT_CREATED, at=now)


def revive_account(
    db: Database, user_id: str, *, password_hash: str | None, now: int
) -> None:
    """Make an account of a tombstone. Its grants are numbered on."""
    db.execute(
        "UPDATE account SET user_id = ?, password_hash = ?, disabled = 0,"
        " created_at = ?",
        (user_id, password_hash, now),
    )
    record_event(db, AccountEvent.ACCOUNT_CREATED, at=now)


def save_deleted(db: Database) -> None:
    """Leave a tombstone, which says nothing of who it was."""
    db.execute(
        "UPDATE account SET user_id = '', password_hash = NULL, disabled = ?,"
        " attempts = 0, blocked_until = 0",
        (_DELETED,),
    )


def save_password(db: Database, password_hash: str, *, now: int) -> None:
    """Change the password, and forget failed attempts at the old one."""
    db.execute(
        "UPDATE account SET password_hash = ?, attempts = 0, blocked_until = 0",
        (password_hash,),
    )
    record_event(db, AccountEvent.PASSWORD_CHANGED, at=now)


def save_disabled(db: Database, *, disabled: bool, now: int) -> None:
    """Disable or enable the account."""
    db.execute("UPDATE account SET disabled = ?", (int(disabled),))
    event = AccountEvent.ACCOUNT_ENABLED
    if disabled:
        event = AccountEvent.ACCOUNT_DISABLED
    record_event(db, event, at=now)


def count_attempt(db: Database, *, now: int) -> int:
    """Admit an attempt to log in, or say how long to wait.

    An attempt counts as failed from the moment it is admitted: verifying a password
    takes long, and a thousand attempts at once must not all slip in before the first of
    them has failed. `record_login` takes it back.

    Returns:
        Seconds to wait; 0 if the attempt may be made.
    """
    row: tuple[int, int] | None = db.execute(
        "SELECT attempts, blocked_until FROM account WHERE disabled != ?", (_DELETED,)
    ).fetchone()
    if row is None:
        return 0
    attempts, blocked_until = row
    if now < blocked_until:
        return blocked_until - now
    db.execute(
        "UPDATE account SET attempts = attempts + 1, blocked_until = ?",
        (now + wait_after(attempts + 1),),
    )
    return 0


def wait_after(attempts: int) -> int:
    """Give the seconds until the next attempt, after some that failed in a row."""
    excess = attempts - FREE_ATTEMPTS
    # 1, 2, 4, … seconds; the bound on the exponent only keeps the number small.
    return min(MAX_WAIT, 1 << min(excess, 16)) if excess >= 0 else 0


def record_login(db: Database, *, success: bool, now: int) -> None:
    """Note how an attempt ended; a success takes back the attempts before it."""
    known = load_account(db)
    if known is None or known.deleted:
        return
    if not success:
        record_failed_login(db, at=now)
        return
    db.execute("UPDATE account SET attempts = 0, blocked_until = 0")
    record_event(db, AccountEvent.LOGIN_SUCCEEDED, at=now)


def next_grant_number(db: Database) -> int:
    """Count one more grant: numbers only rise, also when old grants are forgotten."""
    row: tuple[int] = db.execute(
        "UPDATE account SET last_grant = last_grant + 1 RETURNING last_grant"
    ).fetchone()
    return row[0]
