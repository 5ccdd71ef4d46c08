"""Accounts at other services with which a user can sign in, for the user to see."""

from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Final

from actor_oauth.actors.user import short_lived
from actor_oauth.actors.user.short_lived import NEVER, Kind
from actor_oauth.oauth.json_values import (
    get_integer,
    need_text,
    parse_record,
    render_record,
)
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
    key = _key(identity.issuer, identity.subject)
    known = short_lived.get_all(db, Kind.IDENTITY)
    if sum(other != key for other, _, _ in known) >= MAX_IDENTITIES:
        return False
    earlier = next((_read(text) for other, _, text in known if other == key), identity)
    record = render_record({**asdict(identity), "linked_at": earlier.linked_at})
    short_lived.put(db, Kind.IDENTITY, key, record, expires_at=NEVER)
    return True


def load_identities(db: Database) -> tuple[LinkedIdentity, ...]:
    """Give a user's identities, the oldest first."""
    known = [_read(text) for _, _, text in short_lived.get_all(db, Kind.IDENTITY)]
    return tuple(
        sorted(known, key=lambda one: (one.linked_at, one.issuer, one.subject))
    )


def delete_identity(db: Database, issuer: str, subject: str) -> bool:
    """Forget an identity; False if it is none of the user's."""
    return short_lived.remove(db, Kind.IDENTITY, _key(issuer, subject))


def _key(issuer: str, subject: str) -> bytes:
    return sha256(f"{issuer}\0{subject}".encode()).digest()[:16]


def _read(text: str) -> LinkedIdentity:
    record = parse_record(text)
    return LinkedIdentity(
        issuer=need_text(record, "issuer"),
        subject=need_text(record, "subject"),
        provider=need_text(record, "provider"),
        label=need_text(record, "label"),
        linked_at=get_integer(record, "linked_at"),
    )
