"""Reasons about requests in general."""

from typing import Final

from actor_oauth.oauth.categories import Category
from actor_oauth.oauth.reasons.rows import Row, Rows

ROWS: Final[Rows] = {
    "form_too_large": Row(Category.TOO_LARGE),
    "form_malformed": Row(
        Category.INVALID_REQUEST,
        "The form is not valid UTF-8 in application/x-www-form-urlencoded.",
    ),
    "media_type_wrong": Row(
        Category.INVALID_REQUEST, "The body must be application/x-www-form-urlencoded."
    ),
    "form_foreign": Row(Category.ACCESS_DENIED),
    "body_too_slow": Row(Category.TOO_SLOW),
    "method_not_allowed": Row(Category.METHOD_NOT_ALLOWED),
    "parameter_repeated": Row(Category.INVALID_REQUEST, "A parameter is repeated."),
    "parameter_missing": Row(
        Category.INVALID_REQUEST, "A required parameter is missing."
    ),
    "token_missing": Row(Category.INVALID_REQUEST, "The parameter token is missing."),
}
