"""Password hashes: argon2id, in threads, a bounded number at once.

A hash takes some 50 ms and 64 MiB on purpose. Unbounded, a flood of logins would take all
the memory; in the event loop, it would stop everybody.
"""

import unicodedata
from collections.abc import Callable
from typing import Final

import argon2
import trio

MAX_PASSWORD_BYTES: Final = 1024
MIN_PASSWORD_LENGTH: Final = 8
CONCURRENT_HASHES: Final = 2


class Passwords:
    """Hashes and checks passwords (RFC 9106's second recommended parameters)."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher.from_parameters(
            argon2.profiles.RFC_9106_LOW_MEMORY
        )
        self._limiter = trio.CapacityLimiter(CONCURRENT_HASHES)
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """The password's argon2id hash, with parameters and salt, for storage.

        Raises:
            ValueError: If the password is shorter than 8 characters or longer than 1024
                bytes.
        """
        text = _normalise(password)
        if len(text) < MIN_PASSWORD_LENGTH:
            raise ValueError(
                f"a password has at least {MIN_PASSWORD_LENGTH} characters"
            )
        if len(text.encode()) > MAX_PASSWORD_BYTES:
            raise ValueError(f"a password has at most {MAX_PASSWORD_BYTES} bytes")
        return await self._in_thread(self._hasher.hash, text)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether this is the password; takes as long where there is none to compare.

        Args:
            stored: The hash, or None for a user that does not exist.
            password: As typed.
        """
        text = _normalise(password)
        if len(text.encode()) > MAX_PASSWORD_BYTES:
            return False
        if self._decoy is None:
            # Made at anybody's first login: made at an unknown user's, it would tell.
            self._decoy = await self._in_thread(self._hasher.hash, "decoy")
        if stored is None:
            await self._matches(self._decoy, text)
            return False
        return await self._matches(stored, text)

    async def _matches(self, stored: str, text: str) -> bool:
        def matches() -> bool:
            try:
                return self._hasher.verify(stored, text)
            except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHash):
                return False

        return await trio.to_thread.run_sync(matches, limiter=self._limiter)

    async def _in_thread(self, function: Callable[[str], str], text: str) -> str:
        return await trio.to_thread.run_sync(function, text, limiter=self._limiter)


def _normalise(password: str) -> str:
    """One spelling for one password, however a keyboard composed it (RFC 8265 §4.2)."""
    return unicodedata.normalize("NFC", password)
