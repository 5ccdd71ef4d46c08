"""Reasons about token exchange (RFC 8693)."""

from typing import Final

from actor_oauth.oauth.categories import Category
from actor_oauth.oauth.reasons.rows import Row, Rows

ROWS: Final[Rows] = {
    "subject_type_unsupported": Row(
        Category.INVALID_REQUEST, "The subject token must be an access token."
    ),
    "actor_token_unsupported": Row(
        Category.INVALID_REQUEST, "Actor tokens are not supported."
    ),
    "requested_type_unsupported": Row(
        Category.INVALID_REQUEST, "Only access tokens are issued in exchange."
    ),
    "subject_token_invalid": Row(Category.SUBJECT_TOKEN),
    "subject_token_foreign": Row(Category.SUBJECT_TOKEN),
    "exchange_target": Row(Category.INVALID_TARGET),
    "exchange_scope": Row(
        Category.INVALID_SCOPE,
        "The scope exceeds what the subject token has for this resource.",
    ),
}
