"""Reasons about what trusted issuers have signed: assertions, software statements."""

from typing import Final

from actor_oauth.oauth.categories import Category
from actor_oauth.oauth.reasons.rows import Row, Rows

ROWS: Final[Rows] = {
    # One answer for every fault, or it could be found out who is trusted (D-40)
    "assertion_malformed": Row(Category.INVALID_GRANT),
    "assertion_issuer": Row(Category.INVALID_GRANT),
    "assertion_type": Row(Category.INVALID_GRANT),
    "assertion_algorithm": Row(Category.INVALID_GRANT),
    "assertion_key_unknown": Row(Category.INVALID_GRANT),
    "assertion_key_ambiguous": Row(Category.INVALID_GRANT),
    "assertion_signature": Row(Category.INVALID_GRANT),
    "assertion_audience": Row(Category.INVALID_GRANT),
    "assertion_client": Row(Category.INVALID_GRANT),
    "assertion_claims": Row(Category.INVALID_GRANT),
    "assertion_expired": Row(Category.INVALID_GRANT),
    "assertion_early": Row(Category.INVALID_GRANT),
    "assertion_too_long": Row(Category.INVALID_GRANT),
    "assertion_subject": Row(Category.INVALID_GRANT),
    "assertion_tenant": Row(Category.INVALID_GRANT),
    "assertion_resource": Row(Category.INVALID_GRANT),
    "assertion_constraint": Row(Category.INVALID_GRANT),
    "assertion_key_mismatch": Row(Category.INVALID_GRANT),
    "assertion_replayed": Row(Category.INVALID_GRANT),
    "assertion_account": Row(Category.INVALID_GRANT),
    "assertion_client_not_allowed": Row(
        Category.UNAUTHORIZED_CLIENT,
        "The client may not present assertions of this issuer.",
    ),
    "assertions_too_many": Row(Category.TEMPORARILY_UNAVAILABLE),
    "issuer_keys_unavailable": Row(Category.TEMPORARILY_UNAVAILABLE),
    "asserted_grants_too_many": Row(Category.RATE_LIMITED),
    # Software statements
    "statement_missing": Row(
        Category.INVALID_SOFTWARE_STATEMENT,
        "Clients register here with a software statement only.",
    ),
    "statement_malformed": Row(
        Category.INVALID_SOFTWARE_STATEMENT,
        "The software statement is not a JWT that names a software_id.",
    ),
    "statement_signature": Row(Category.INVALID_SOFTWARE_STATEMENT),
    "statement_key_unknown": Row(Category.INVALID_SOFTWARE_STATEMENT),
    "statement_audience": Row(
        Category.INVALID_SOFTWARE_STATEMENT,
        "The software statement is for another server.",
    ),
    "statement_expired": Row(
        Category.INVALID_SOFTWARE_STATEMENT,
        "The software statement has expired, or is not good yet.",
    ),
    "statement_unapproved": Row(Category.UNAPPROVED_SOFTWARE_STATEMENT),
}
