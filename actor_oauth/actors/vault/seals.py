"""Sealing and unsealing the secrets of one vault."""

import hmac
from dataclasses import dataclass, field

from actor_oauth.oauth.keyring import NONCE_LENGTH, Keyring
from actor_oauth.oauth.upstream.sealing import seal_secret, unseal_secret


@dataclass(frozen=True, slots=True)
class Seals:
    """Opens and closes what is sealed in one actor, during one turn.

    Attributes:
        actor_key: The actor's.
        keyring: The server's.
        fresh: 32 random bytes, from which every nonce of the turn is derived.
    """

    actor_key: str
    keyring: Keyring
    fresh: bytes = field(repr=False, default=b"")

    def seal(self, text: str, place: str) -> bytes:
        """Encrypt a secret for a place of this actor."""
        # With the text in it, so that two texts for one place never share a nonce.
        message = f"{place}\0{text}".encode()
        nonce = hmac.digest(self.fresh, message, "sha256")[:NONCE_LENGTH]
        return seal_secret(
            text, place=self._place(place), keyring=self.keyring, nonce=nonce
        )

    def unseal(self, sealed: bytes | None, place: str) -> str | None:
        """Unseal a secret; None if there is none, or its key is gone."""
        if sealed is None:
            return None
        return unseal_secret(sealed, place=self._place(place), keyring=self.keyring)

    def _place(self, place: str) -> bytes:
        return f"{self.actor_key}/{place}".encode()
