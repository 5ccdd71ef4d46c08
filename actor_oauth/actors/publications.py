"""What the server asks of the web about others, as the actors' layer sees it."""

from collections.abc import Sequence
from typing import Protocol

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.jwks import VerificationKey
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.trusted_issuers import TrustedIssuer


class Publications(Protocol):
    """Finds out what clients and issuers publish: metadata documents and keys."""

    async def client(self, client_id: str) -> Client | Refused:
        """Give the client that is known by a URL.

        Args:
            client_id: One for which `is_document_url` holds.
        """
        ...

    async def keys(
        self, client: Client, *, renewed: bool = False
    ) -> Sequence[VerificationKey] | Refused:
        """Give the keys that a client publishes at its `jwks_uri`.

        Args:
            client: Has a `jwks_uri`.
            renewed: Whether what is stored turned out to lack a key. It is then fetched
                again, unless that was just done.
        """
        ...

    async def issuer_keys(
        self, issuer: TrustedIssuer, *, renewed: bool = False
    ) -> Sequence[VerificationKey] | Refused:
        """Give the keys that a trusted issuer publishes.

        Args:
            issuer: Has a `jwks_uri`.
            renewed: As for `keys`.
        """
        ...
