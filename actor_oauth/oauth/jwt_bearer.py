"""Assertions of trusted issuers, presented as authorization grants (RFC 7523).

There are two kinds, distinguished by `typ` and by what the issuer is trusted for: an
ID-JAG, with which an organization's identity provider lets its users in, and a
workload's token, with which a platform vouches for a program that it runs.

Rule 1: one issuer, one key. `iss` names exactly one trusted issuer, `kid` exactly one of
its keys; whatever is ambiguous is refused (D-41).
Rule 2: an assertion is for this server alone, for the client that presents it, and lives
for minutes (D-42 to D-44).
Rule 3: what would limit its use, and is not understood here, refuses it (D-46).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from actor_oauth.oauth.client_assertion import CLOCK_SKEW, MAX_JTI_LENGTH
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof, same_key
from actor_oauth.oauth.grant_origin import GrantOrigin, OriginKind
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.jwks import VerificationKey
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.signed_jwt import Jwt, audiences, moment, parse_jwt, verifies
from actor_oauth.oauth.trusted_issuers import TrustedIssuer

ID_JAG_TYPE: Final = "oauth-id-jag+jwt"
ID_JAG_PROFILE: Final = "urn:ietf:params:oauth:grant-profile:id-jag"

MAX_NAME_LENGTH: Final = 512
"""Characters of a subject or a tenant."""

# Constraints of which nothing here knows what they would rule out.
_NOT_UNDERSTOOD: Final = ("authorization_details", "aud_tenant")
_WORKLOAD_TYPES: Final = (None, "jwt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """An assertion of an issuer that may make such ones. Nothing of it is verified.

    Attributes:
        jwt: As presented.
        issuer: Who says to have signed it.
        kind: What it is.
    """

    jwt: Jwt
    issuer: TrustedIssuer
    kind: OriginKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Asserted:
    """An assertion that holds, and may not have been used before.

    Attributes:
        origin: Which issuer asserts it, and about whom.
        issuer: The same issuer, with what it may do.
        scope: What it says may be granted, in the issuer's names; None for no limit.
        resources: What it says the tokens may be for; None if it does not say.
        claims: All that it says.
        jti_hash: What to remember of it: 16 bytes.
        keep_until: How long to remember it, in Unix seconds. By then it has expired.
    """

    origin: GrantOrigin
    issuer: TrustedIssuer
    scope: Scope | None
    resources: tuple[str, ...] | None
    claims: Mapping[str, Json] = field(repr=False)
    jti_hash: bytes
    keep_until: int


def read_assertion(text: str, policy: Policy) -> Presented | Refused:
    """Read an assertion, so that one knows whose keys to ask for."""
    jwt = parse_jwt(text)
    if jwt is None:
        return Refused(Reason.ASSERTION_MALFORMED)
    issuer = policy.trust.find(jwt.claims.get("iss"))
    if issuer is None:
        return Refused(Reason.ASSERTION_ISSUER)
    kind = _kind(jwt)
    if kind is None or kind not in issuer.uses:
        return Refused(Reason.ASSERTION_TYPE)
    return Presented(jwt=jwt, issuer=issuer, kind=kind)


def decide_assertion(
    presented: Presented,
    client: Client,
    keys: Sequence[VerificationKey],
    policy: Policy,
    *,
    proof: Proof | None,
    now: int,
) -> Asserted | Refused:
    """Decide whether an assertion holds for the client that presents it.

    Args:
        presented: From `read_assertion`.
        client: Who authenticated.
        keys: The issuer's.
        policy: Says who we are.
        proof: Of a key, if one was sent.
        now: The time, in Unix seconds.

    Returns:
        Refused with `ASSERTION_KEY_UNKNOWN` if it names none of the keys: then the
        issuer may have new ones.

    Source: RFC 7523 §3, draft-ietf-oauth-identity-assertion-authz-grant-03 (D-41 to
    D-46, D-49).
    """
    jwt, issuer = presented.jwt, presented.issuer
    refusal = check_signature(jwt, issuer, keys)
    if refusal is not None:
        return Refused(refusal)
    reader = _Claims(jwt)
    reader.refuse(_check_parties(presented, client, policy))
    reader.refuse(_check_constraints(jwt, proof))
    expires_at = _read_expiry(reader, issuer, now)
    asserted = Asserted(
        origin=_read_origin(reader, presented),
        issuer=issuer,
        scope=_read_scope(reader),
        resources=_read_resources(reader),
        claims=jwt.claims,
        jti_hash=_hash(reader.need("jti", MAX_JTI_LENGTH)),
        keep_until=expires_at + CLOCK_SKEW,
    )
    return asserted if reader.refusal is None else Refused(reader.refusal)


def check_signature(
    jwt: Jwt, issuer: TrustedIssuer, keys: Sequence[VerificationKey]
) -> Reason | None:
    """Tell why a token is not signed by the one key of an issuer that it names (D-41).

    Args:
        jwt: Whose `iss` is the issuer.
        issuer: Says what it may sign with.
        keys: The issuer's.
    """
    if jwt.algorithm not in issuer.algorithms:
        return Reason.ASSERTION_ALGORITHM
    named = [key for key in keys if jwt.kid is not None and key.kid == jwt.kid]
    if len(named) > 1 or jwt.kid is None:
        return Reason.ASSERTION_KEY_AMBIGUOUS
    if not named:
        return Reason.ASSERTION_KEY_UNKNOWN
    if not verifies(jwt, named, algorithms=issuer.algorithms):
        return Reason.ASSERTION_SIGNATURE
    return None


class _Claims:
    """Reads claims, and keeps the first reason to refuse them."""

    def __init__(self, jwt: Jwt) -> None:
        self.jwt = jwt
        self.claims = jwt.claims
        self.refusal: Reason | None = None

    def refuse(self, reason: Reason | None) -> None:
        self.refusal = self.refusal or reason

    def text(self, name: str, limit: int) -> str | None:
        """Parse a text that can be shown; None if the claim is absent."""
        value = self.claims.get(name)
        if value is None:
            return None
        if isinstance(value, str) and 0 < len(value) <= limit and value.isprintable():
            return value
        self.refuse(Reason.ASSERTION_CLAIMS)
        return None

    def need(self, name: str, limit: int) -> str:
        """Read a text that must be there."""
        value = self.text(name, limit)
        if value is None:
            self.refuse(Reason.ASSERTION_CLAIMS)
        return value or ""

    def moment(self, name: str) -> int:
        """Parse a time; 0 if the claim is absent."""
        try:
            return moment(self.jwt, name) or 0
        except ValueError:
            self.refuse(Reason.ASSERTION_CLAIMS)
            return 0


def _kind(jwt: Jwt) -> OriginKind | None:
    if jwt.typ == ID_JAG_TYPE:
        return "id-jag"
    # Access tokens and proofs are signed too, but are not assertions.
    return "workload" if jwt.typ in _WORKLOAD_TYPES else None


def _check_parties(
    presented: Presented, client: Client, policy: Policy
) -> Reason | None:
    jwt, issuer = presented.jwt, presented.issuer
    # The only value: any other audience could present the assertion here.
    if audiences(jwt) != (policy.issuer,):
        return Reason.ASSERTION_AUDIENCE
    named = jwt.claims.get("client_id")
    # A platform knows its workloads, and not what they are called here.
    is_unnamed = named is None and presented.kind == "workload"
    if named != client.client_id and not is_unnamed:
        return Reason.ASSERTION_CLIENT
    if not client.is_confidential and not issuer.allow_public:
        return Reason.ASSERTION_CLIENT_NOT_ALLOWED
    if issuer.clients and client.client_id not in issuer.clients:
        return Reason.ASSERTION_CLIENT_NOT_ALLOWED
    return None


def _check_constraints(jwt: Jwt, proof: Proof | None) -> Reason | None:
    if any(jwt.claims.get(name) is not None for name in _NOT_UNDERSTOOD):
        return Reason.ASSERTION_CONSTRAINT
    confirmation = jwt.claims.get("cnf")
    if confirmation is None:
        return None
    jkt = confirmation.get("jkt") if isinstance(confirmation, dict) else None
    if not isinstance(jkt, str) or confirmation != {"jkt": jkt}:
        return Reason.ASSERTION_CONSTRAINT
    return None if same_key(jkt, proof) else Reason.ASSERTION_KEY_MISMATCH


def _read_expiry(reader: _Claims, issuer: TrustedIssuer, now: int) -> int:
    expires_at, issued_at = reader.moment("exp"), reader.moment("iat")
    if not expires_at or not issued_at:
        reader.refuse(Reason.ASSERTION_CLAIMS)
    if expires_at + CLOCK_SKEW <= now:
        reader.refuse(Reason.ASSERTION_EXPIRED)
    if max(issued_at, reader.moment("nbf")) > now + CLOCK_SKEW:
        reader.refuse(Reason.ASSERTION_EARLY)
    if not 0 < expires_at - issued_at <= issuer.assertion_life:
        reader.refuse(Reason.ASSERTION_TOO_LONG)
    return expires_at


def _read_origin(reader: _Claims, presented: Presented) -> GrantOrigin:
    issuer = presented.issuer
    # Required even if another claim says whose account it is (D-44).
    subject = reader.need("sub", MAX_NAME_LENGTH)
    if not issuer.admits_subject(subject):
        reader.refuse(Reason.ASSERTION_SUBJECT)
    tenant = reader.text(issuer.tenant_claim, MAX_NAME_LENGTH)
    if issuer.tenants and tenant not in issuer.tenants:
        reader.refuse(Reason.ASSERTION_TENANT)
    return GrantOrigin(
        kind=presented.kind,
        issuer=issuer.issuer,
        subject=reader.need(issuer.account_claim, MAX_NAME_LENGTH),
        tenant=tenant,
    )


def _read_scope(reader: _Claims) -> Scope | None:
    value = reader.claims.get("scope")
    if value is None:
        return None
    scope = parse_scope(value) if isinstance(value, str) else None
    if scope is None:
        reader.refuse(Reason.ASSERTION_CLAIMS)
    return scope


def _read_resources(reader: _Claims) -> tuple[str, ...] | None:
    value = reader.claims.get("resource")
    if value is None:
        return None
    items = value if isinstance(value, list) else [value]
    texts = tuple(item for item in items if isinstance(item, str))
    if not texts or len(texts) != len(items):
        reader.refuse(Reason.ASSERTION_RESOURCE)
    return texts


def _hash(jti: str) -> bytes:
    return hashlib.sha256(jti.encode()).digest()[:16]
