"""Proof Key for Code Exchange, method S256 (RFC 7636).

A leaked verifier is worthless without its code, and a leaked challenge is worthless in
any case. With method `plain` the two are the same: see `response_types`.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

CHALLENGE_METHOD: Final = "S256"

_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def check_verifier(verifier: str) -> bool:
    """Tell whether a code verifier follows the grammar of RFC 7636 §4.1."""
    return _UNRESERVED.fullmatch(verifier) is not None


def check_challenge(challenge: str) -> bool:
    """Tell whether a code challenge follows the grammar of RFC 7636 §4.2."""
    return _UNRESERVED.fullmatch(challenge) is not None


def challenge_of(verifier: str) -> str:
    """Give the S256 challenge of a verifier that follows the grammar."""
    digest = sha256(verifier.encode("ascii")).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def verify_s256(verifier: str, challenge: str) -> bool:
    """Tell in constant time whether a verifier matches a challenge.

    Returns:
        False for anything that breaks the grammar.

    Source: RFC 7636 §4.6.
    """
    if not check_verifier(verifier) or not check_challenge(challenge):
        return False
    return hmac.compare_digest(challenge_of(verifier), challenge)
