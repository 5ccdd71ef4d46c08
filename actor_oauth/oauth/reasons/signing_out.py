"""Reasons about sign-out at a client's request."""

from typing import Final

from actor_oauth.oauth.categories import Category
from actor_oauth.oauth.reasons.rows import Row, Rows

ROWS: Final[Rows] = {
    "id_token_hint_invalid": Row(
        Category.INVALID_REQUEST,
        "The id_token_hint is not an ID token of this server.",
    ),
    "id_token_hint_foreign": Row(
        Category.INVALID_REQUEST, "The id_token_hint was issued to another client."
    ),
    "logout_uri_unregistered": Row(
        Category.INVALID_REQUEST,
        "The post_logout_redirect_uri is not registered for this client.",
    ),
}
