"""The audit trail: what happened to a user's account and grants, newest 256 events."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from actor_oauth.actors.connection_trail import ConnectionEvent
from actor_oauth.oauth.grants import GrantEvent, grant_id
from actor_oauth.runtime import Database

MAX_EVENTS: Final = 256


class AccountEvent(StrEnum):
    """What can happen to an account; grants have `GrantEvent`."""

    ACCOUNT_CREATED = "account_created"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_ENABLED = "account_enabled"
    ACCOUNT_DELETED = "account_deleted"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 an event's name
    LOGIN_SUCCEEDED = "login_succeeded"
    LOGIN_FAILED = "login_failed"
    SESSIONS_CLOSED = "sessions_closed"
    GRANT_AUTHORIZED = "grant_authorized"
    ASSERTION_ACCEPTED = "assertion_accepted"
    IDENTITY_LINKED = "identity_linked"
    IDENTITY_UNLINKED = "identity_unlinked"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One entry of the audit trail. It never contains a secret (K-12).

    Attributes:
        at: When, in Unix seconds.
        kind: What happened: an `AccountEvent`, a `GrantEvent` or a `ConnectionEvent`.
        grant_id: Of the grant that it happened to, or None.
        detail: More for the operator, such as the client's id, or None.
    """

    at: int
    kind: str
    grant_id: str | None
    detail: str | None


def record_event(
    db: Database,
    kind: AccountEvent | GrantEvent | ConnectionEvent,
    *,
    at: int,
    number: int | None = None,
    detail: str | None = None,
) -> None:
    """Add an event, and let the oldest go when there are too many."""
    seq = db.execute(
        "INSERT INTO events (at, kind, number, detail) VALUES (?, ?, ?, ?)",
        (at, kind, number, detail),
    ).lastrowid
    assert seq is not None
    db.execute("DELETE FROM events WHERE seq <= ?", (seq - MAX_EVENTS,))


def record_failed_login(db: Database, *, at: int) -> None:
    """Add a failed log-in, or count it with the failures just before.

    Strangers can fail as long as they like, and must not push all else out of the trail.
    """
    row: tuple[int, str, str | None] | None = db.execute(
        "SELECT seq, kind, detail FROM events ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    if row is None or row[1] != AccountEvent.LOGIN_FAILED:
        record_event(db, AccountEvent.LOGIN_FAILED, at=at)
        return
    before = int((row[2] or "1").partition(" ")[0])
    db.execute(
        "UPDATE events SET at = ?, detail = ? WHERE seq = ?",
        (at, f"{before + 1} in a row", row[0]),
    )


def forget_events(db: Database) -> None:
    """Delete the whole trail."""
    db.execute("DELETE FROM events")


def load_events(db: Database, *, limit: int) -> tuple[AuditEvent, ...]:
    """Give the newest events, newest first."""
    rows: list[tuple[int, str, int | None, str | None]] = db.execute(
        "SELECT at, kind, number, detail FROM events ORDER BY seq DESC LIMIT ?",
        (max(0, limit),),
    ).fetchall()
    return tuple(
        AuditEvent(
            at=at,
            kind=kind,
            grant_id=None if number is None else grant_id(number),
            detail=detail,
        )
        for at, kind, number, detail in rows
    )
