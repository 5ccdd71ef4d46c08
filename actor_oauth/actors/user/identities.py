"""Accounts at other services by which a user may sign in, for the user to see."""

from dataclasses import dataclass
from typing import Final

from actor_oauth.runtime import Database

MAX_IDENTITIES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedIdentity:
    """An account at another service.

    Attributes:
        issuer: Of the service.
        subject: Who that is there.
        provider: The service's name here.
        label: What the account is called there.
        linked_at: In Unix seconds.
    """

    issuer: str
    subject: str
    provider: str
    label: str
    linked_at: int


def save_identity(db: Database, identity: LinkedIdentity) -> bool:
    """Note an identity, or what it is called now; False if there are too many."""
    (others,) = db.execute(
        "SELECT count(*) FROM identities WHERE NOT (issuer = ? AND subject = ?)",
        (identity.issuer, identity.subject),
    ).fetchone()
    if others >= MAX_IDENTITIES:
        return False
    db.execute(
        "INSERT INTO identities VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET provider = excluded.provider, label = excluded.label",
        (
            identity.issuer,
            identity.subject,
            identity.provider,
            identity.label,
            identity.linked_at,
        ),
    )
    return True


def load_identities(db: Database) -> tuple[LinkedIdentity, ...]:
    """Give a user's identities, the oldest first."""
    rows = db.execute(
        "SELECT issuer, subject, provider, label, linked_at FROM identities"
        " ORDER BY linked_at, issuer, subject"
    )
    return tuple(
        LinkedIdentity(
            issuer=issuer,
            subject=subject,
            provider=provider,
            label=label,
            linked_at=at,
        )
        for issuer, subject, provider, label, at in rows
    )


def delete_identity(db: Database, issuer: str, subject: str) -> bool:
    """Forget an identity; False if it is none of the user's."""
    deleted = db.execute(
        "DELETE FROM identities WHERE issuer = ? AND subject = ?", (issuer, subject)
    )
    return deleted.rowcount == 1
