"""Consent transactions at rest."""

import hashlib
from typing import Final

from actor_oauth.actors.user import short_lived
from actor_oauth.actors.user.short_lived import Kind
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.consent import BrowserBinding, Consent
from actor_oauth.oauth.json_values import (
    Json,
    get_optional_integer,
    get_text,
    need_text,
    parse_record,
    render_record,
)
from actor_oauth.oauth.question_lifecycle import QuestionState
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.runtime import Database

MAX_CONSENTS: Final = 32
"""Per user (C-22); the one that expires first is dropped."""


def save_consent(db: Database, handle: bytes, consent: Consent) -> None:
    """Store a transaction under its handle."""
    record: dict[str, Json] = {
        "state": str(consent.state),
        "browser": consent.browser.hash.hex(),
        "is_session": consent.browser.is_session,
        "request": consent.request.to_record(),
        "client": consent.client.to_record(),
        "granted": str(consent.granted),
        "auth_time": consent.auth_time,
    }
    short_lived.put(
        db,
        Kind.CONSENT,
        _handle_hash(handle),
        render_record(record),
        expires_at=consent.expires_at,
    )
    short_lived.keep_newest(db, Kind.CONSENT, MAX_CONSENTS)


def load_consent(db: Database, handle: bytes) -> Consent | None:
    """Give the transaction with this handle, or None."""
    row = short_lived.get(db, Kind.CONSENT, _handle_hash(handle))
    if row is None:
        return None
    expires_at, record = row[0], parse_record(row[1])
    return Consent(
        state=QuestionState(need_text(record, "state")),
        browser=BrowserBinding(
            bytes.fromhex(need_text(record, "browser")),
            is_session=record.get("is_session") is True,
        ),
        request=AuthorizationRequest.from_record(need_text(record, "request")),
        client=Client.from_record(need_text(record, "client")),
        granted=parse_scope(get_text(record, "granted") or "") or Scope(),
        auth_time=get_optional_integer(record, "auth_time"),
        expires_at=expires_at,
    )


def forget_consents(db: Database) -> None:
    """Delete every transaction, so that none of them can be answered any more."""
    short_lived.remove_all(db, Kind.CONSENT)


def _handle_hash(handle: bytes) -> bytes:
    return hashlib.sha256(b"actor_oauth consent\0" + handle).digest()
