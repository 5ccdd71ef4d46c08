"""Reasons about clients: their identity, and their published metadata."""

from typing import Final

from actor_oauth.oauth.categories import Category
from actor_oauth.oauth.reasons.rows import Row, Rows

ROWS: Final[Rows] = {
    # Client authentication: one answer for all, or client ids could be probed (E-08)
    "client_id_missing": Row(Category.INVALID_CLIENT),
    "client_credentials_malformed": Row(Category.INVALID_CLIENT),
    "client_unknown": Row(Category.INVALID_CLIENT),
    "client_secret_missing": Row(Category.INVALID_CLIENT),
    "client_secret_wrong": Row(Category.INVALID_CLIENT),
    "client_secret_unexpected": Row(Category.INVALID_CLIENT),
    "client_method_wrong": Row(Category.INVALID_CLIENT),
    "client_assertion_malformed": Row(Category.INVALID_CLIENT),
    "client_assertion_algorithm": Row(Category.INVALID_CLIENT),
    "client_assertion_type": Row(Category.INVALID_CLIENT),
    "client_assertion_subject": Row(Category.INVALID_CLIENT),
    "client_assertion_audience": Row(Category.INVALID_CLIENT),
    "client_assertion_jti": Row(Category.INVALID_CLIENT),
    "client_assertion_expired": Row(Category.INVALID_CLIENT),
    "client_assertion_too_long": Row(Category.INVALID_CLIENT),
    "client_assertion_early": Row(Category.INVALID_CLIENT),
    "client_assertion_key_unknown": Row(Category.INVALID_CLIENT),
    "client_assertion_signature": Row(Category.INVALID_CLIENT),
    "client_assertion_replayed": Row(Category.INVALID_CLIENT),
    "client_keys_unavailable": Row(Category.INVALID_CLIENT),
    "client_assertions_too_many": Row(Category.TEMPORARILY_UNAVAILABLE),
    "client_methods_mixed": Row(
        Category.INVALID_REQUEST, "The client authenticates in more than one way."
    ),
    "client_id_mismatch": Row(
        Category.INVALID_REQUEST,
        "The client_id in the body is not the one that authenticates.",
    ),
    # Metadata documents. The client learns nothing of what was fetched (B-17)
    "document_rate_limited": Row(Category.TEMPORARILY_UNAVAILABLE),
    "document_unavailable": Row(Category.INVALID_CLIENT),
    "document_malformed": Row(Category.INVALID_CLIENT),
    "document_client_id_wrong": Row(Category.INVALID_CLIENT),
    "document_name_missing": Row(Category.INVALID_CLIENT),
    "document_has_secret": Row(Category.INVALID_CLIENT),
    "document_method_inconsistent": Row(Category.INVALID_CLIENT),
}
