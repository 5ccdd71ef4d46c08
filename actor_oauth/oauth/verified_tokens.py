"""JWTs with a verified signature, so that a repeated one is not verified again.

That a key has signed a text is a fact, which nothing can end. Everything that can end is
asked each time: whether the key is still one that counts, and whether the token is alive.

Rule 1: what is remembered is found by a hash of the whole text, signature included, and
is no token: nobody could present it.
Rule 2: a JWT is remembered with the key itself, and the caller checks whether that key
is still accepted.
Rule 3: only what was verified takes room, and what was used least recently makes it.
"""

import hashlib
from collections import OrderedDict
from typing import Final, Generic, TypeVar

Key = TypeVar("Key")
Said = TypeVar("Said")

REMEMBERED: Final = 2048
"""Of at most some kilobytes each, as their claims are."""


class VerifiedTokens(Generic[Key, Said]):
    """Remembers which key has signed a text, and what it says.

    Args:
        capacity: How many texts.
    """

    def __init__(self, capacity: int = REMEMBERED) -> None:
        self._capacity = capacity
        self._known: OrderedDict[bytes, tuple[Key, Said]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def recall(self, text: str) -> tuple[Key, Said] | None:
        """Give the key that has signed a text and what it says; None if not known."""
        name = _name(text)
        known = self._known.get(name)
        if known is not None:
            self._known.move_to_end(name)
        return known

    def keep(self, text: str, key: Key, said: Said) -> None:
        """Remember what was verified just now."""
        name = _name(text)
        self._known[name] = (key, said)
        self._known.move_to_end(name)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)


def _name(text: str) -> bytes:
    # Any text may be presented, including one that cannot be encoded normally.
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
