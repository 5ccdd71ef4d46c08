"""An actor's name: `kind/key`."""

import re
from typing import Final, NamedTuple, Self

# Keys become file names: one case, no separators, nothing that a file system could fold.
_WORD: Final = re.compile(r"[a-z0-9]{1,64}\Z")


class _Words(NamedTuple):
    kind: str
    key: str


class Address(_Words):
    """The one name of an actor, over all processes and restarts.

    Attributes:
        kind: Which class of actor.
        key: Which actor of that kind, 1 to 64 characters of `[a-z0-9]`.

    Raises:
        ValueError: If either part is not such a word.
    """

    __slots__ = ()

    def __new__(cls, kind: str, key: str) -> Self:
        """Check both parts."""
        if not (_WORD.match(kind) and _WORD.match(key)):
            raise ValueError(f"not an actor address: {kind!r}/{key!r}")
        return super().__new__(cls, kind, key)

    def __str__(self) -> str:
        return f"{self.kind}/{self.key}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read `kind/key`.

        Raises:
            ValueError: If the text is not an address.
        """
        kind, _, key = text.partition("/")
        return cls(kind, key)
