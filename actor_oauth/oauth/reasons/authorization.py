"""Reasons about authorization requests, and about the consent to them."""

from typing import Final

from actor_oauth.oauth.categories import Category
from actor_oauth.oauth.reasons.rows import Row, Rows

ROWS: Final[Rows] = {
    # Authorization requests
    "authorize_client_id_missing": Row(
        Category.INVALID_REQUEST,
        "The client did not say who it is (client_id is missing or repeated).",
    ),
    "authorize_client_unknown": Row(
        Category.INVALID_REQUEST, "This client is not registered here."
    ),
    "redirect_uri_missing": Row(
        Category.INVALID_REQUEST, "The redirect_uri is missing or repeated."
    ),
    "redirect_uri_unregistered": Row(
        Category.INVALID_REQUEST, "The redirect_uri is not registered for this client."
    ),
    "details_not_grantable": Row(Category.INVALID_AUTHORIZATION_DETAILS),
    "details_not_granted": Row(
        Category.INVALID_AUTHORIZATION_DETAILS,
        "That is not a part of what was granted.",
    ),
    "details_not_narrowed": Row(
        Category.INVALID_AUTHORIZATION_DETAILS,
        "What was granted can be narrowed when it is refreshed, not here.",
    ),
    "response_type_missing": Row(
        Category.INVALID_REQUEST, "The response_type is missing. Use code."
    ),
    "response_type_unsupported": Row(Category.UNSUPPORTED_RESPONSE_TYPE),
    "response_type_unregistered": Row(
        Category.UNAUTHORIZED_CLIENT,
        "The client is not registered for response_type code.",
    ),
    "response_mode_unsupported": Row(
        Category.INVALID_REQUEST,
        "The response_mode is not supported. Use query, or leave it out.",
    ),
    "challenge_missing": Row(
        Category.INVALID_REQUEST, "PKCE is required: code_challenge is missing."
    ),
    "challenge_method_unsupported": Row(
        Category.INVALID_REQUEST, "The code_challenge_method must be S256."
    ),
    "challenge_malformed": Row(
        Category.INVALID_REQUEST, "The code_challenge is not one of method S256."
    ),
    "state_too_long": Row(Category.INVALID_REQUEST, "The state is too long."),
    "nonce_too_long": Row(Category.INVALID_REQUEST, "The nonce is too long."),
    "scope_malformed": Row(Category.INVALID_SCOPE, "The scope is malformed."),
    "scope_unknown": Row(
        Category.INVALID_SCOPE, "None of the requested scopes can be granted."
    ),
    "resource_unknown": Row(Category.INVALID_TARGET),
    "request_object": Row(Category.REQUEST_NOT_SUPPORTED),
    "request_uri": Row(Category.REQUEST_URI_NOT_SUPPORTED),
    "request_uri_pushed": Row(
        Category.INVALID_REQUEST, "A pushed request cannot have a request_uri."
    ),
    "request_uri_unknown": Row(Category.INVALID_REQUEST_URI),
    "request_uri_expired": Row(Category.INVALID_REQUEST_URI),
    "request_uri_spent": Row(Category.INVALID_REQUEST_URI),
    "push_required": Row(
        Category.INVALID_REQUEST,
        "Authorization requests must be pushed first (RFC 9126).",
    ),
    "too_many_pushed": Row(Category.RATE_LIMITED),
    "user_denied": Row(Category.ACCESS_DENIED, "The user denied the request."),
    "prompt_contradictory": Row(
        Category.INVALID_REQUEST, "The prompt none stands alone, or not at all."
    ),
    "max_age_malformed": Row(
        Category.INVALID_REQUEST, "The max_age is no number of seconds."
    ),
    # With prompt=none
    "login_required": Row(Category.LOGIN_REQUIRED),
    "consent_required": Row(Category.CONSENT_REQUIRED),
    "interaction_required": Row(Category.INTERACTION_REQUIRED),
    "account_selection_required": Row(Category.ACCOUNT_SELECTION_REQUIRED),
    # Consent
    "client_ended": Row(Category.UNAUTHORIZED_CLIENT),
    "account_disabled": Row(Category.ACCESS_DENIED),
    "login_refused": Row(Category.ACCESS_DENIED),
    "session_ended": Row(Category.ACCESS_DENIED),
    "consent_unknown": Row(Category.ACCESS_DENIED),
    "consent_answered": Row(Category.ACCESS_DENIED),
    "client_changed": Row(
        Category.ACCESS_DENIED, "The application has changed since it asked."
    ),
}
