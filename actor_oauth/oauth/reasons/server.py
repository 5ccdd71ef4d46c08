"""Reasons on the server's side."""

from typing import Final

from actor_oauth.oauth.categories import Category
from actor_oauth.oauth.reasons.rows import Row, Rows

ROWS: Final[Rows] = {
    "rate_limited": Row(Category.RATE_LIMITED),
    "connections_too_many": Row(Category.RATE_LIMITED),
    "overloaded": Row(Category.TEMPORARILY_UNAVAILABLE),
    "storage_failed": Row(Category.TEMPORARILY_UNAVAILABLE),
    "signing_key_missing": Row(Category.SERVER_ERROR),
    "internal": Row(Category.SERVER_ERROR),
}
