"""Sessions: a browser in which the user has logged in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from actor_oauth.actors.user import short_lived
from actor_oauth.actors.user.account import load_account
from actor_oauth.actors.user.audit import AccountEvent, record_event
from actor_oauth.actors.user.identities import load_identities
from actor_oauth.actors.user.short_lived import Kind
from actor_oauth.oauth.federated import FEDERATED_PREFIX
from actor_oauth.oauth.json_values import (
    Json,
    get_integer,
    get_optional_integer,
    get_texts,
    parse_record,
    render_record,
)
from actor_oauth.oauth.policy import Lifetimes
from actor_oauth.oauth.tokens import NO_RECORD, Token, TokenKind, token_hash
from actor_oauth.runtime import Database

BY_PASSWORD: Final = "pwd"  # noqa: S105 a word of RFC 8176
"""A method of authentication (RFC 8176 §2)."""

MAX_SESSIONS: Final = 64
"""Per user; the one that expires first is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A live session.

    Attributes:
        user_id: Who has logged in.
        label: What pages call the user.
        opened_at: When, in Unix seconds: the time of authentication, which may have been
            earlier at another service.
        entered_at: When it was opened, if that was later.
        methods: How, in the words of RFC 8176.
        expires_at: When it ends unless it is used.
        ends_at: When it ends in any case.
        touch_due: Whether its use should be noted now, which moves `expires_at` on. Not
            on every request, since noting it is a write.
    """

    user_id: str
    label: str
    opened_at: int
    entered_at: int | None
    methods: tuple[str, ...]
    expires_at: int
    ends_at: int
    touch_due: bool


def session_token(actor_key: str, secret: bytes) -> Token:
    """Give the token of a session, which the browser holds."""
    return Token(TokenKind.SESSION, actor_key, NO_RECORD, secret)


def session_hash(actor_key: str, secret: bytes) -> bytes:
    """Give the stored form of a session's secret."""
    return token_hash(session_token(actor_key, secret))


def open_session(
    db: Database,
    token: Token,
    *,
    verified_hash: str | None,
    authenticated_at: int | None = None,
    methods: Sequence[str] = (),
    lifetimes: Lifetimes,
    now: int,
) -> bool:
    """Store a session, unless the account is gone, disabled, or has a new password.

    Verifying a password takes a while, in which it may have been changed: a caller that
    knew only the old one must not get in.

    Args:
        db: The user's.
        token: The session's.
        verified_hash: Of the password that was given; None without one.
        authenticated_at: When another service says that the user proved who it is; None
            for now.
        methods: How, as it says.
        lifetimes: How long sessions live.
        now: The time of the turn.
    """
    account = load_account(db)
    if account is None or account.disabled:
        return False
    if verified_hash is not None and verified_hash != account.password_hash:
        return False
    ends_at = now + lifetimes.session_absolute
    expires_at = min(now + lifetimes.session_idle, ends_at)
    # A service's clock may be ahead.
    earlier = authenticated_at is not None and authenticated_at < now
    record: dict[str, Json] = {
        "opened_at": authenticated_at if earlier else now,
        "entered_at": now if earlier else None,
        "ends_at": ends_at,
        "idle": lifetimes.session_idle,
        "amr": [*methods] or (None if verified_hash is None else [BY_PASSWORD]),
    }
    text = render_record(record)
    short_lived.put(db, Kind.SESSION, token_hash(token), text, expires_at=expires_at)
    short_lived.keep_newest(db, Kind.SESSION, MAX_SESSIONS)
    return True


def load_session(db: Database, key: bytes, *, now: int) -> Session | None:
    """Give a valid session of a user who is not disabled, or None."""
    account = load_account(db)
    row = short_lived.get(db, Kind.SESSION, key)
    if account is None or account.disabled or row is None or now >= row[0]:
        return None
    expires_at, record = row[0], parse_record(row[1])
    ends_at, idle = get_integer(record, "ends_at"), get_integer(record, "idle")
    moved = min(now + idle, ends_at)
    return Session(
        user_id=account.user_id,
        label=_label(db, account.user_id),
        opened_at=get_integer(record, "opened_at"),
        entered_at=get_optional_integer(record, "entered_at"),
        methods=get_texts(record, "amr"),
        expires_at=expires_at,
        ends_at=ends_at,
        # A tenth of the idle time late: ten writes at most for a session in steady use.
        touch_due=moved - expires_at > idle // 10,
    )


def _label(db: Database, user_id: str) -> str:
    """What pages call a user, whose name here may be nothing to be shown."""
    if not user_id.startswith(FEDERATED_PREFIX):
        return user_id
    return next((known.label for known in load_identities(db)), user_id)


def touch_session(db: Database, key: bytes, *, now: int) -> None:
    """Note that a session is in use."""
    row = short_lived.get(db, Kind.SESSION, key)
    if row is None or now >= row[0]:
        return
    expires_at, text = row
    record = parse_record(text)
    moved = min(now + get_integer(record, "idle"), get_integer(record, "ends_at"))
    short_lived.put(db, Kind.SESSION, key, text, expires_at=max(expires_at, moved))


def close_session(db: Database, key: bytes) -> None:
    """End a session."""
    short_lived.remove(db, Kind.SESSION, key)


def close_all_sessions(db: Database, *, now: int) -> int:
    """End every session; returns how many there were."""
    count = short_lived.remove_all(db, Kind.SESSION)
    if count:
        record_event(db, AccountEvent.SESSIONS_CLOSED, at=now)
    return count
