"""Consent transactions at rest."""

import hashlib
from typing import Final

from actor_oauth.actors.user import short_lived
from actor_oauth.actors.user.sessions import load_session
from actor_oauth.actors.user.short_lived import Kind
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.consent import Consent, is_open_to
from actor_oauth.oauth.json_values import need_text, parse_record, render_record
from actor_oauth.oauth.question_lifecycle import QuestionState
from actor_oauth.runtime import Database

MAX_CONSENTS: Final = 32
"""Per user (C-22); the one that would expire first gives way."""


def handle_hash(handle: bytes) -> bytes:
    """Give the stored form of a handle."""
    return hashlib.sha256(b"actor_oauth consent\0" + handle).digest()


def begin_consent(db: Database, handle: bytes, consent: Consent, *, now: int) -> bool:
    """Store a new transaction, if its session lives; whether it does."""
    if load_session(db, consent.session_hash, now=now) is None:
        return False
    save_consent(db, handle_hash(handle), consent)
    return True


def save_consent(db: Database, key: bytes, consent: Consent) -> None:
    """Store a transaction."""
    record = {
        "state": str(consent.state),
        "session": consent.session_hash.hex(),
        "request": consent.request.to_record(),
        "client": consent.client.to_record(),
    }
    short_lived.put(
        db, Kind.CONSENT, key, render_record(record), expires_at=consent.expires_at
    )
    short_lived.keep_newest(db, Kind.CONSENT, MAX_CONSENTS)


def find_consent(
    db: Database, handle: bytes, session_key: bytes, *, now: int
) -> Consent | None:
    """Give a transaction that a live session may see, answered or not, or None."""
    consent = load_consent(db, handle_hash(handle))
    if consent is None or load_session(db, session_key, now=now) is None:
        return None
    return consent if is_open_to(consent, session_key, now) else None


def load_consent(db: Database, key: bytes) -> Consent | None:
    """Give the transaction with this handle, or None."""
    row = short_lived.get(db, Kind.CONSENT, key)
    if row is None:
        return None
    expires_at, record = row[0], parse_record(row[1])
    return Consent(
        state=QuestionState(need_text(record, "state")),
        session_hash=bytes.fromhex(need_text(record, "session")),
        request=AuthorizationRequest.from_record(need_text(record, "request")),
        client=Client.from_record(need_text(record, "client")),
        expires_at=expires_at,
    )
