"""Clients that prove who they are by a signed assertion (`private_key_jwt`).

Rule 1: an assertion is for this server alone, made by the client about itself, with a
key that the client has registered or published, and lives for minutes.
Rule 2: it can be used once. Its `jti` is recorded after the signature was verified,
before anything else is checked, and stays recorded even if the request then fails
(E-13).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import get_text
from actor_oauth.oauth.jwks import SIGNING_ALGORITHMS, VerificationKey
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.signed_jwt import (
    Jwt,
    audiences,
    fitting_keys,
    moment,
    verifies,
)

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

MAX_ASSERTION_LIFE: Final = 600
"""Seconds that an assertion may still live when it is presented (E-11)."""

CLOCK_SKEW: Final = 60
"""Seconds by which the client's clock may differ."""

_TYPES: Final = (None, "jwt", "client-authentication+jwt")
MAX_JTI_LENGTH: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedAssertion:
    """An assertion that is the client's, and may not have been used before.

    Attributes:
        jti_hash: What to remember of its `jti`: 16 bytes.
        keep_until: How long to remember it, in Unix seconds. By then it has expired.
    """

    jti_hash: bytes
    keep_until: int


def decide_assertion(
    jwt: Jwt,
    client: Client,
    keys: Sequence[VerificationKey],
    policy: Policy,
    *,
    token_endpoint: str,
    now: int,
) -> VerifiedAssertion | Refused:
    """Decide whether an assertion proves that a client sends it.

    Args:
        jwt: As presented.
        client: Whom it says it is from.
        keys: That client's.
        policy: Says who we are.
        token_endpoint: The endpoint's URL, which many clients name as audience.
        now: The time, in Unix seconds.

    Returns:
        Refused with `CLIENT_ASSERTION_KEY_UNKNOWN` if none of the keys may have signed
        it: then the client may have new ones.

    Source: RFC 7523 §3, draft-ietf-oauth-rfc7523bis (E-10 to E-13).
    """
    refusal = _check_header(jwt, client) or _check_claims(
        jwt, client, policy, token_endpoint
    )
    if refusal is not None:
        return Refused(refusal)
    expires_at = _check_times(jwt, now)
    if isinstance(expires_at, Reason):
        return Refused(expires_at)
    fitting = fitting_keys(jwt, keys)
    if not fitting:
        return Refused(Reason.CLIENT_ASSERTION_KEY_UNKNOWN)
    if not verifies(jwt, fitting, algorithms=SIGNING_ALGORITHMS):
        return Refused(Reason.CLIENT_ASSERTION_SIGNATURE)
    jti = str(jwt.claims["jti"])
    return VerifiedAssertion(
        jti_hash=hashlib.sha256(jti.encode()).digest()[:16],
        keep_until=expires_at + CLOCK_SKEW,
    )


def _check_header(jwt: Jwt, client: Client) -> Reason | None:
    if jwt.algorithm not in SIGNING_ALGORITHMS:
        return Reason.CLIENT_ASSERTION_ALGORITHM
    if client.assertion_algorithm not in (None, jwt.algorithm):
        return Reason.CLIENT_ASSERTION_ALGORITHM
    # Access tokens and proofs are signed too, but are not assertions (E-12).
    return None if jwt.typ in _TYPES else Reason.CLIENT_ASSERTION_TYPE


def _check_claims(
    jwt: Jwt, client: Client, policy: Policy, token_endpoint: str
) -> Reason | None:
    claims = jwt.claims
    if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
        return Reason.CLIENT_ASSERTION_SUBJECT
    accepted = {policy.issuer}
    if policy.lenient_assertion_audience:
        issuer = policy.issuer
        accepted |= {issuer.removesuffix("/"), issuer.removesuffix("/") + "/"}
        accepted.add(token_endpoint)
    audience = audiences(jwt)
    # The only value: any other audience could present the assertion here.
    if audience is None or len(audience) != 1 or audience[0] not in accepted:
        return Reason.CLIENT_ASSERTION_AUDIENCE
    jti = get_text(claims, "jti")
    if not jti or len(jti) > MAX_JTI_LENGTH:
        return Reason.CLIENT_ASSERTION_JTI
    return None


def _check_times(jwt: Jwt, now: int) -> int | Reason:
    try:
        expires_at, issued_at = moment(jwt, "exp"), moment(jwt, "iat")
        begins_at = moment(jwt, "nbf")
    except ValueError:
        return Reason.CLIENT_ASSERTION_EXPIRED
    if expires_at is None or expires_at + CLOCK_SKEW <= now:
        return Reason.CLIENT_ASSERTION_EXPIRED
    if expires_at > now + MAX_ASSERTION_LIFE + CLOCK_SKEW:
        return Reason.CLIENT_ASSERTION_TOO_LONG
    if max(issued_at or 0, begins_at or 0) > now + CLOCK_SKEW:
        return Reason.CLIENT_ASSERTION_EARLY
    return expires_at
