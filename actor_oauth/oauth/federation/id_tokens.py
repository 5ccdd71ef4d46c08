"""ID tokens of other services (OpenID Connect Core §3.1.3.7)."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from actor_oauth.oauth.federation.faults import SignInFault, SignInRefused
from actor_oauth.oauth.jwks import SIGNING_ALGORITHMS, VerificationKey
from actor_oauth.oauth.signed_jwt import (
    Jwt,
    audiences,
    fitting_keys,
    moment,
    parse_jwt,
    verifies,
)

SKEW: Final = 60
"""Seconds by which the other service's clock may be wrong."""

MAX_AGE: Final = 600
"""Seconds: a token that was issued longer ago is not the answer to this sign-in."""


def nonce_of(verifier: str) -> str:
    """Give the nonce of a sign-in: it ties the ID token to this attempt.

    It is derived from the attempt's PKCE verifier, which nobody else has seen.
    """
    digest = sha256(b"sign-in nonce\0" + verifier.encode()).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def read_id_token(text: str | None) -> Jwt | SignInRefused:
    """Read an ID token. Nothing of it is true yet."""
    if text is None:
        return SignInRefused(fault=SignInFault.ID_TOKEN_MISSING)
    jwt = parse_jwt(text)
    return _invalid("no JWT") if jwt is None else jwt


def decide_id_token(
    jwt: Jwt,
    keys: Sequence[VerificationKey],
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    now: int,
) -> SignInRefused | None:
    """Decide whether an ID token is this service's answer to this sign-in.

    Args:
        jwt: As it came.
        keys: The service's.
        issuer: The service's identifier, character for character.
        client_id: Who this server is there.
        nonce: From `nonce_of`.
        now: The time, in Unix seconds.

    Returns:
        None if so.
    """
    if not verifies(jwt, fitting_keys(jwt, keys), algorithms=SIGNING_ALGORITHMS):
        return _invalid(f"signature, {jwt.algorithm[:16]}")
    if jwt.claims.get("iss") != issuer:
        return _invalid("iss")
    for_whom = audiences(jwt) or ()
    party = jwt.claims.get("azp")
    if client_id not in for_whom or party not in (None, client_id):
        return _invalid("aud")
    if len(for_whom) > 1 and party is None:
        return _invalid("azp")
    given = jwt.claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(
        given.encode(), nonce.encode()
    ):
        return _invalid("nonce")
    return _decide_times(jwt, now)


def _decide_times(jwt: Jwt, now: int) -> SignInRefused | None:
    try:
        issued_at, expires_at = moment(jwt, "iat"), moment(jwt, "exp")
    except ValueError:
        return _invalid("iat or exp")
    if issued_at is None or expires_at is None:
        return _invalid("iat or exp")
    if issued_at > now + SKEW or issued_at < now - MAX_AGE:
        return _invalid(f"iat, {now - issued_at} seconds ago: is a clock wrong?")
    if now >= expires_at + SKEW:
        return _invalid(f"exp, {now - expires_at} seconds ago: is a clock wrong?")
    return None


def _invalid(detail: str) -> SignInRefused:
    return SignInRefused(fault=SignInFault.ID_TOKEN_INVALID, detail=detail)
