"""What a browser holds for this server, so that the server need not."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from actor_oauth.actors.authorization_server.parts import ServerParts
from actor_oauth.oauth.keyring import NONCE_LENGTH


class Sealing(ServerParts):
    """Encrypts and opens state that a browser keeps; part of `AuthorizationServer`."""

    def seal(self, purpose: str, data: bytes) -> str:
        """Encrypt and authenticate something that a browser keeps; fit for a URL."""
        nonce = self._effects.entropy.token_bytes(NONCE_LENGTH)
        sealed = self._effects.keyring.seal(purpose, data, nonce=nonce)
        return urlsafe_b64encode(sealed).decode().rstrip("=")

    def unseal(self, purpose: str, text: str) -> bytes | None:
        """Open what `seal` made for this purpose; None for any other text."""
        try:
            sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            return None
        return self._effects.keyring.unseal(purpose, sealed)
