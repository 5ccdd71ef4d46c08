"""Remembered consents at rest."""

import hashlib
from typing import Final

from actor_oauth.actors.user import short_lived
from actor_oauth.actors.user.short_lived import Kind
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.json_values import (
    Json,
    get_integer,
    need_text,
    parse_record,
    render_record,
)
from actor_oauth.oauth.redirect_uris import without_loopback_port
from actor_oauth.oauth.remembered_consent import RememberedConsent
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.runtime import Database

MAX_REMEMBERED: Final = 256
"""Per user; the one that would be forgotten first is dropped."""


def consent_id_of(request: AuthorizationRequest) -> str:
    """Give the name of what is remembered of a request's client, place and resource."""
    place = without_loopback_port(request.redirect_uri)
    text = f"{request.client_id}\0{place}\0{request.resource}"
    return hashlib.sha256(text.encode()).hexdigest()


def load_remembered(db: Database, consent_id: str) -> RememberedConsent | None:
    """Give what is remembered under a name, or None."""
    row = short_lived.get(db, Kind.REMEMBERED, _key(consent_id))
    return None if row is None else _read(consent_id, row[0], row[1])


def list_remembered(db: Database, *, now: int) -> tuple[RememberedConsent, ...]:
    """Give everything that is remembered, newest first."""
    found = (
        _read(key.hex(), expires_at, record)
        for key, expires_at, record in short_lived.get_all(db, Kind.REMEMBERED)
        if now < expires_at
    )
    return tuple(sorted(found, key=lambda item: item.remembered_at, reverse=True))


def save_remembered(
    db: Database, consent_id: str, remembered: RememberedConsent | None
) -> None:
    """Store what is to be remembered under a name from now on."""
    if remembered is None:
        short_lived.remove(db, Kind.REMEMBERED, _key(consent_id))
        return
    record: dict[str, Json] = {
        "client_id": remembered.client_id,
        "redirect_uri": remembered.redirect_uri,
        "resource": remembered.resource,
        "scope": str(remembered.scope),
        "fingerprint": remembered.fingerprint.hex(),
        "at": remembered.remembered_at,
    }
    short_lived.put(
        db,
        Kind.REMEMBERED,
        _key(consent_id),
        render_record(record),
        expires_at=remembered.expires_at,
    )
    short_lived.keep_newest(db, Kind.REMEMBERED, MAX_REMEMBERED)


def forget(db: Database, consent_id: str) -> bool:
    """Forget one; whether there was one."""
    return short_lived.remove(db, Kind.REMEMBERED, _key(consent_id))


def forget_client(db: Database, client_id: str) -> None:
    """Forget everything about a client."""
    for key, expires_at, record in short_lived.get_all(db, Kind.REMEMBERED):
        if _read(key.hex(), expires_at, record).client_id == client_id:
            short_lived.remove(db, Kind.REMEMBERED, key)


def forget_all(db: Database) -> None:
    """Forget every one."""
    short_lived.remove_all(db, Kind.REMEMBERED)


def _key(consent_id: str) -> bytes:
    try:
        return bytes.fromhex(consent_id)
    except ValueError:
        return b""


def _read(consent_id: str, expires_at: int, text: str) -> RememberedConsent:
    record = parse_record(text)
    return RememberedConsent(
        consent_id=consent_id,
        client_id=need_text(record, "client_id"),
        redirect_uri=need_text(record, "redirect_uri"),
        resource=need_text(record, "resource"),
        scope=parse_scope(need_text(record, "scope")) or Scope(),
        fingerprint=bytes.fromhex(need_text(record, "fingerprint")),
        remembered_at=get_integer(record, "at"),
        expires_at=expires_at,
    )
