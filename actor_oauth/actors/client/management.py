"""A client's registration as the client itself manages it, in the client's actor.

Replacements, deletion and the change of tokens are turns of one actor, so they happen
one after the other: the last writer's registration stands whole, and nothing brings a
deleted one back (B-35).
"""

import hmac
from abc import abstractmethod
from dataclasses import dataclass, field, replace

import sqlite_utils

from actor_oauth.actors.client.registration import (
    Registration,
    load_registration,
    save_registration,
)
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.registration_management import (
    Replacement,
    Successors,
    derive_successors,
)
from actor_oauth.oauth.tokens import Token, parse_token, token_hash
from actor_oauth.runtime import Actor, Database, turn

_BAD_TOKEN = Refused(Reason.REGISTRATION_TOKEN_INVALID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """A registration as reported to its client.

    Attributes:
        client: As stored.
        access: The token to use from now on.
        secret: A secret that was made just now, or None.
    """

    client: Client
    access: Token
    secret: Token | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Access:
    hash: bytes
    previous_hash: bytes | None
    salt: bytes | None


def create_access_table(db: sqlite_utils.Database) -> None:
    """Make the table: a step of the client actor's migrations."""
    db.execute(
        "CREATE TABLE registration_access (id INTEGER PRIMARY KEY CHECK (id = 1),"
        " hash BLOB NOT NULL, previous_hash BLOB, salt BLOB) STRICT"
    )


def open_access(db: Database, access_hash: bytes) -> None:
    """Authorize the bearer of a token to manage the registration; inside a turn."""
    _save(db, _Access(access_hash, None, None))


def close_access(db: Database) -> None:
    """Let nobody manage the registration any more; inside a turn."""
    db.execute("DELETE FROM registration_access")


class ManagedRegistration(Actor, kind="client"):
    """The part of a client's actor that lets the client manage its registration."""

    @abstractmethod
    def delete_registration(self, *, now: int) -> bool:
        """Delete the client, inside a turn; False if there is none."""

    @turn
    def read_managed(self, token: Token) -> Managed | Refused:
        """Give the registration to the bearer of its token (RFC 7592 §2.1)."""
        allowed = self._allow(token)
        if isinstance(allowed, Refused):
            return allowed
        client, access, _ = allowed
        if _is_current(access, token):
            return Managed(client=client, access=token)
        assert access.salt is not None
        successor = derive_successors(token, access.salt).access
        return Managed(client=client, access=successor)

    @turn
    def replace_managed(
        self,
        token: Token,
        replacement: Replacement,
        *,
        fresh: bytes,
        now: int,
        unused_lifetime: int | None,
    ) -> Managed | Refused:
        """Replace the registration as decided (RFC 7592 §2.2).

        Args:
            token: The registration access token.
            replacement: From `decide_replacement`.
            fresh: 32 random bytes.
            now: The time of the turn.
            unused_lifetime: Seconds by which this use prolongs a client that expires.
        """
        allowed = self._allow(token)
        if isinstance(allowed, Refused):
            return allowed
        stored, access, registration = allowed
        if not _is_secret(registration, replacement.client_secret):
            return Refused(Reason.MANAGEMENT_SECRET)
        if _is_current(access, token):
            access = _Access(b"", access.hash, fresh)
        assert access.salt is not None
        successors = derive_successors(token, access.salt)
        _save(self.db, replace(access, hash=token_hash(successors.access)))
        secret_hash, secret = _choose_secret(registration, replacement, successors)
        client = replace(
            replacement.client, issued_at=stored.issued_at, epoch=stored.epoch
        )
        expires_at = registration.expires_at
        if expires_at is not None and unused_lifetime is not None:
            expires_at = max(expires_at, now + unused_lifetime)
        if client.jwks_uri != stored.jwks_uri:
            self.db.execute("DELETE FROM documents WHERE kind = 'keys'")
        save_registration(
            self.db,
            replace(
                registration,
                record=client.to_record(),
                secret_hash=secret_hash,
                expires_at=expires_at,
            ),
        )
        return Managed(client=client, access=successors.access, secret=secret)

    @turn
    def delete_managed(self, token: Token, *, now: int) -> Refused | None:
        """Delete the client at its own request (RFC 7592 §2.3)."""
        allowed = self._allow(token)
        if isinstance(allowed, Refused):
            return allowed
        self.delete_registration(now=now)
        return None

    def _allow(self, token: Token) -> tuple[Client, _Access, Registration] | Refused:
        """Check a token; using the newest one ends the one before it."""
        access = _load(self.db)
        if access is None or not _is_known(access, token):
            return _BAD_TOKEN
        registration = load_registration(self.db)
        client = registration.client
        if client is None:
            return Refused(Reason.MANAGEMENT_FORBIDDEN)
        if _is_current(access, token) and access.previous_hash is not None:
            access = _Access(access.hash, None, None)
            _save(self.db, access)
        return client, access, registration


def _is_known(access: _Access, token: Token) -> bool:
    return _is_current(access, token) or hmac.compare_digest(
        token_hash(token), access.previous_hash or b""
    )


def _is_current(access: _Access, token: Token) -> bool:
    return hmac.compare_digest(token_hash(token), access.hash)


def _is_secret(registration: Registration, presented: str | None) -> bool:
    if presented is None:
        return True
    token, stored = parse_token(presented), registration.secret_hash
    if token is None or not isinstance(stored, bytes):
        return False
    return hmac.compare_digest(token_hash(token), stored)


def _choose_secret(
    registration: Registration, replacement: Replacement, successors: Successors
) -> tuple[bytes | str | None, Token | None]:
    """Keep the existing secret, or make one; reported only if the client lacks it."""
    if not replacement.needs_secret:
        return None, None
    derived = token_hash(successors.secret)
    # The same request again, since its answer was lost: then the secret was lost too.
    if registration.secret_hash in (None, derived):
        return derived, successors.secret
    return registration.secret_hash, None


def _load(db: Database) -> _Access | None:
    row: tuple[bytes, bytes | None, bytes | None] | None = db.execute(
        "SELECT hash, previous_hash, salt FROM registration_access"
    ).fetchone()
    return None if row is None else _Access(*row)


def _save(db: Database, access: _Access) -> None:
    db.execute(
        "INSERT OR REPLACE INTO registration_access VALUES (1, ?, ?, ?)",
        (access.hash, access.previous_hash, access.salt),
    )
