"""What a client is told for a reason: one row of the tables in this package."""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from actor_oauth.oauth.categories import Category


class Row(NamedTuple):
    """What a client is told.

    Attributes:
        category: The error on the wire.
        description: A text for the client where a better one than the category's
            helps a developer and tells an attacker nothing.
    """

    category: Category
    description: str = ""


Rows: TypeAlias = Mapping[str, Row]
"""By the reason's name in the log."""
