"""Scopes: what a token may be used for (RFC 6749 §3.3)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

MAX_SCOPE_LENGTH: Final = 4096
"""Characters of a whole scope value."""

OFFLINE_ACCESS: Final = "offline_access"
"""Asks for a refresh token. Belongs to no resource, so no resource lists it (A-13)."""

OPENID: Final = "openid"
"""Asks who has signed in, and makes a request one of OpenID Connect (Core §3.1.2.1)."""

PROFILE: Final = "profile"
EMAIL: Final = "email"
IDENTITY_SCOPES: Final = (OPENID, PROFILE, EMAIL)
"""Scopes that are about the user, and so belong to no resource."""

_NAME: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


@dataclass(frozen=True, slots=True)
class Scope:
    """An ordered set of scope names.

    Attributes:
        names: Each once, in the order in which they came.

    Raises:
        ValueError: A name is repeated or breaks the grammar.
    """

    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not all(map(_NAME.fullmatch, self.names)):
            raise ValueError("a scope name breaks the grammar of RFC 6749 §3.3")
        if len(set(self.names)) != len(self.names):
            raise ValueError("a scope name is repeated")

    def __str__(self) -> str:
        return " ".join(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def issubset(self, other: "Scope") -> bool:
        """Tell whether every name is also in the other scope."""
        return all(name in other.names for name in self.names)

    def union(self, other: "Scope") -> "Scope":
        """Give these names and then those of the other scope that are new."""
        return Scope(tuple(dict.fromkeys(self.names + other.names)))

    def intersection(self, other: "Scope") -> "Scope":
        """Give the names that both have, in this scope's order."""
        return Scope(tuple(name for name in self.names if name in other.names))

    def difference(self, other: "Scope") -> "Scope":
        """Give the names that the other scope lacks, in this scope's order."""
        return Scope(tuple(name for name in self.names if name not in other.names))


def parse_scope(text: str) -> Scope | None:
    """Parse a scope value: names separated by single spaces.

    Repeated names count once. The empty text is the empty scope, which is how one is
    stored; an empty *parameter* never comes here, since it counts as absent.

    Returns:
        None if the text breaks the grammar or is too long.

    Source: RFC 6749 §3.3, OAuth 2.1 §1.4.1.
    """
    if not text:
        return Scope()
    if len(text) > MAX_SCOPE_LENGTH:
        return None
    names = tuple(dict.fromkeys(text.split(" ")))
    if not all(map(_NAME.fullmatch, names)):
        return None
    return Scope(names)


def held_scopes(
    granted: Iterable[str], implied: Mapping[str, tuple[str, ...]]
) -> frozenset[str]:
    """Give the granted scopes and those that they include, transitively (G-09).

    Args:
        granted: As the token lists them.
        implied: What a scope includes besides itself, as `{"admin": ("mcp",)}`.
    """
    held: set[str] = set()
    unseen = list(granted)
    while unseen:
        name = unseen.pop()
        if name not in held:
            held.add(name)
            unseen.extend(implied.get(name, ()))
    return frozenset(held)
