"""Reasons for which a protected resource refuses a request."""

from typing import Final

from actor_oauth.oauth.categories import Category
from actor_oauth.oauth.reasons.rows import Row, Rows

ROWS: Final[Rows] = {
    # The beginning of every client's way to a token, and no error.
    "credentials_missing": Row(Category.UNAUTHENTICATED),
    "credentials_malformed": Row(Category.INVALID_TOKEN),
    "credentials_several": Row(
        Category.INVALID_REQUEST,
        "Send one access token, in one Authorization header.",
    ),
    "origin_foreign": Row(
        Category.ACCESS_DENIED, "This Origin or Host is not allowed here."
    ),
    # One text for all: an unknown, an expired and a revoked token look alike (G-04)
    "access_token_unknown": Row(Category.ACCESS_TOKEN),
    "access_token_expired": Row(Category.ACCESS_TOKEN),
    "access_token_audience": Row(Category.ACCESS_TOKEN),
    "access_token_binding": Row(Category.ACCESS_TOKEN),
    "access_token_scope": Row(Category.INSUFFICIENT_SCOPE),
}
