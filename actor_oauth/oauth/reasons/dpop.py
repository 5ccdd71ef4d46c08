"""Reasons about sender constraint (RFC 9449)."""

from typing import Final

from actor_oauth.oauth.categories import Category
from actor_oauth.oauth.reasons.rows import Row, Rows

ROWS: Final[Rows] = {
    "dpop_proof_repeated": Row(
        Category.INVALID_DPOP_PROOF, "There is more than one DPoP proof."
    ),
    "dpop_proof_malformed": Row(
        Category.INVALID_DPOP_PROOF,
        "The DPoP proof is not a JWT of type dpop+jwt with a jti.",
    ),
    "dpop_proof_signature": Row(
        Category.INVALID_DPOP_PROOF,
        "The DPoP proof is not signed by the public key that it holds.",
    ),
    "dpop_proof_for_another": Row(
        Category.INVALID_DPOP_PROOF,
        "The DPoP proof is for another method, URL or access token.",
    ),
    "dpop_proof_by_another": Row(
        Category.INVALID_DPOP_PROOF,
        "The DPoP proof is not by the key that the access token is bound to.",
    ),
    "dpop_proof_not_now": Row(
        Category.INVALID_DPOP_PROOF, "The DPoP proof is too old, or from the future."
    ),
    "dpop_proof_replayed": Row(
        Category.INVALID_DPOP_PROOF,
        "The DPoP proof was used before. Make a new one for every request.",
    ),
    "dpop_proof_missing": Row(
        Category.INVALID_DPOP_PROOF, "A DPoP proof is needed, and none was sent."
    ),
    "dpop_unsupported": Row(
        Category.INVALID_REQUEST, "Tokens of this grant type cannot be bound to a key."
    ),
    "dpop_proofs_too_many": Row(Category.RATE_LIMITED),
    "dpop_nonce_wanted": Row(Category.USE_DPOP_NONCE),
    "dpop_key_malformed": Row(
        Category.INVALID_REQUEST,
        "The dpop_jkt is not a thumbprint, or not that of the DPoP proof.",
    ),
    "code_key_mismatch": Row(Category.INVALID_GRANT),
    "refresh_key_mismatch": Row(Category.INVALID_GRANT),
}
