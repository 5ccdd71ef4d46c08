"""A client's secret, in the client's actor."""

import hmac
from dataclasses import dataclass, field
from typing import Final

from actor_oauth.actors.client.registration import Registration, load_registration
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.tokens import (
    NO_RECORD,
    Token,
    TokenKind,
    parse_token,
    token_hash,
)
from actor_oauth.runtime import Actor, view

# Compared with where there is no secret. Neither is the hash of the other.
_NO_HASH: Final = bytes(32)
_NO_TOKEN: Final = Token(TokenKind.CLIENT_SECRET, "0" * 32, NO_RECORD, bytes(32))
_NO_TOKEN_HASH: Final = token_hash(_NO_TOKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """The result of checking presented credentials.

    Attributes:
        client: None unless there is an active client.
        secret_matches: Whether the presented secret is the client's.
        retires_previous: Whether it is the newest one, and the one before still good.
        password_hash: Set if the stored secret was chosen or imported by a person and
            is hashed with argon2, for the caller to verify in a thread: that takes too
            long for the event loop.
    """

    client: Client | None
    secret_matches: bool
    retires_previous: bool = False
    password_hash: str | None = field(default=None, repr=False)


def hash_client_secret(secret: str | None) -> bytes:
    """Give the stored form of a random client secret, and some hash for any other text.

    One round is enough: nobody can try 256 random bits (K-02).
    """
    if secret is None:
        return _NO_TOKEN_HASH
    return token_hash(parse_token(secret) or _NO_TOKEN)


class SecretHolder(Actor, kind="client"):
    """The part of a client's actor that knows its secret."""

    @view(remembered_by=lambda: True)
    def registration(self) -> Registration:
        """Give the registration as it stands."""
        return load_registration(self.db)


def compare_secret(registration: Registration, secret: str | None) -> Authentication:
    """Compare a presented secret in constant time.

    An unknown client costs the same work as a known one (K-03, E-08).
    """
    client, hashed = registration.client, hash_client_secret(secret)
    newest, previous = registration.secret_hash, registration.previous_secret_hash
    is_newest = hmac.compare_digest(hashed, _comparable(newest))
    is_previous = hmac.compare_digest(hashed, _comparable(previous))
    if client is None:
        return Authentication(client=None, secret_matches=False)
    chosen = next(
        (stored for stored in (newest, previous) if isinstance(stored, str)), None
    )
    return Authentication(
        client=client,
        secret_matches=is_newest or is_previous,
        retires_previous=is_newest and previous is not None,
        password_hash=None if is_newest or is_previous else chosen,
    )


def _comparable(stored: bytes | str | None) -> bytes:
    return stored if isinstance(stored, bytes) else _NO_HASH
