"""A client's secret, in the client's actor."""

import hmac
from dataclasses import dataclass, field
from typing import Final

from actor_oauth.actors.client_registration import load_registration
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """What the client's actor says to presented credentials.

    Attributes:
        client: None unless there is an active client.
        secret_matches: Whether the presented secret is the client's.
        password_hash: Set if the stored secret was chosen or imported by a person and
            is hashed with argon2, for the caller to verify in a thread: that takes too
            long for a turn.
    """

    client: Client | None
    secret_matches: bool
    password_hash: str | None = field(default=None, repr=False)


def hash_client_secret(secret: str | None) -> bytes:
    """Give the stored form of a random client secret, and some hash for any other text.

    One round is enough: nobody can try 256 random bits (K-02).
    """
    return token_hash(parse_token(secret or "") or _NO_TOKEN)


class SecretHolder(Actor, kind="client"):
    """The part of a client's actor that compares secrets."""

    @view
    def authenticate(self, secret: str | None) -> Authentication:
        """Compare a presented secret in constant time.

        An unknown client costs the same work as a known one (K-03, E-08).
        """
        registration = load_registration(self.db)
        client, stored = registration.client, registration.secret_hash
        if isinstance(stored, str) and client is not None:
            return Authentication(
                client=client, secret_matches=False, password_hash=stored
            )
        expected = stored if isinstance(stored, bytes) else _NO_HASH
        equal = hmac.compare_digest(hash_client_secret(secret), expected)
        return Authentication(
            client=client, secret_matches=equal and client is not None
        )
