"""Fresh secrets. The only user of `secrets`."""

import secrets
from typing import Protocol


class Entropy(Protocol):
    """Draws random bytes that nobody can guess."""

    def token_bytes(self, count: int) -> bytes:
        """Draw `count` bytes."""
        ...


class SystemEntropy:
    """The operating system's cryptographic random source."""

    def token_bytes(self, count: int) -> bytes:
        """Draw `count` bytes."""
        return secrets.token_bytes(count)
