"""An actor's name: `kind/key`."""

import re
from dataclasses import dataclass
from typing import Final

# Keys become file names: one case, no separators, nothing that a file system could fold.
_WORD: Final = re.compile(r"[a-z0-9]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class Address:
    """The one name of an actor, over all processes and restarts.

    Attributes:
        kind: Which class of actor.
        key: Which actor of that kind, 1 to 64 characters of `[a-z0-9]`.

    Raises:
        ValueError: If either part is not such a word.
    """

    kind: str
    key: str

    def __post_init__(self) -> None:
        if not (_WORD.match(self.kind) and _WORD.match(self.key)):
            raise ValueError(f"not an actor address: {self.kind!r}/{self.key!r}")

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
