"""What a browser holds for this server, so that the server need not."""

from actor_oauth.actors.authorization_server.parts import ServerParts
from actor_oauth.actors.sealed_text import seal_text, unseal_text


class Sealing(ServerParts):
    """Encrypts and opens state that a browser keeps; part of `AuthorizationServer`."""

    def seal(self, purpose: str, data: bytes) -> str:
        """Encrypt and authenticate data to be kept in a browser; fit for a URL."""
        return seal_text(self._effects, purpose, data)

    def unseal(self, purpose: str, text: str) -> bytes | None:
        """Open what `seal` made for this purpose; None for any other text."""
        return unseal_text(self._effects, purpose, text)
