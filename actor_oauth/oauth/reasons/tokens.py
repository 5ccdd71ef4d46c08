"""Reasons of the token endpoint, about codes, grants and refresh tokens."""

from typing import Final

from actor_oauth.oauth.categories import Category
from actor_oauth.oauth.reasons.rows import Row, Rows

ROWS: Final[Rows] = {
    # Token endpoint, before a grant is examined (D-03)
    "grant_type_missing": Row(Category.INVALID_REQUEST, "The grant_type is missing."),
    "grant_type_unsupported": Row(Category.UNSUPPORTED_GRANT_TYPE),
    "grant_type_unregistered": Row(
        Category.UNAUTHORIZED_CLIENT,
        "The client is not registered for this grant type.",
    ),
    # Codes and grants. One answer for everything that could tell whether a code was
    # real
    "verifier_malformed": Row(
        Category.INVALID_REQUEST, "The code_verifier is missing or malformed."
    ),
    "code_unknown": Row(Category.INVALID_GRANT),
    "code_client_mismatch": Row(Category.INVALID_GRANT),
    "code_redirect_uri_mismatch": Row(Category.INVALID_GRANT),
    "code_verifier_mismatch": Row(Category.INVALID_GRANT),
    "code_exhausted": Row(Category.INVALID_GRANT),
    "code_expired": Row(Category.INVALID_GRANT),
    "code_replayed": Row(Category.INVALID_GRANT),
    "refresh_unknown": Row(Category.INVALID_GRANT),
    "refresh_client_mismatch": Row(Category.INVALID_GRANT),
    "refresh_replayed": Row(Category.INVALID_GRANT),
    "refresh_stale": Row(Category.INVALID_GRANT),
    "retry_underivable": Row(Category.INVALID_GRANT),
    "retry_too_far": Row(Category.TEMPORARILY_UNAVAILABLE),
    "grant_revoked": Row(Category.INVALID_GRANT),
    "grant_expired": Row(Category.INVALID_GRANT),
    "scope_not_granted": Row(
        Category.INVALID_SCOPE, "The scope exceeds what was granted."
    ),
    "resource_not_granted": Row(
        Category.INVALID_TARGET, "The resource is not the one that was granted."
    ),
    # Client credentials
    "client_not_its_own": Row(
        Category.UNAUTHORIZED_CLIENT,
        "Only a confidential client of the operator may act for itself.",
    ),
    "resource_not_allowed": Row(
        Category.INVALID_TARGET,
        "The resource is missing, unknown, or not open to this client.",
    ),
    "scope_not_allowed": Row(
        Category.INVALID_SCOPE, "The scope exceeds what this client may ask for."
    ),
    "tokens_too_many": Row(Category.RATE_LIMITED),
    # The application's callback
    "callback_ended": Row(Category.INVALID_GRANT),
    "callback_busy": Row(Category.TEMPORARILY_UNAVAILABLE),
    "callback_denied": Row(Category.ACCESS_DENIED),
    "callback_failed": Row(Category.SERVER_ERROR),
}
