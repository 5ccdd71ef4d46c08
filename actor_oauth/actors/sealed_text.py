"""State that a browser holds: encrypted and authenticated under the server's key."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from actor_oauth.actors.effects import Effects
from actor_oauth.oauth.keyring import NONCE_LENGTH


def seal_text(effects: Effects, purpose: str, data: bytes) -> str:
    """Encrypt data to be kept in a browser; fit for a URL."""
    nonce = effects.entropy.token_bytes(NONCE_LENGTH)
    sealed = effects.keyring.seal(purpose, data, nonce=nonce)
    return urlsafe_b64encode(sealed).decode().rstrip("=")


def unseal_text(effects: Effects, purpose: str, text: str) -> bytes | None:
    """Open what `seal_text` made for this purpose; None for any other text."""
    try:
        sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return effects.keyring.unseal(purpose, sealed)
