"""Software statements: what a trusted issuer says about a client (RFC 7591 §2.3).

A party that vets software signs its metadata once, and every installation of it
registers with that. Signed values take precedence over what the client says beside
them.

Rule 1: a statement is verified or ignored as a whole, and so it is while nobody is
trusted to make one (B-28).
Rule 2: what is signed cannot be got around: not by another language of the same name,
and not by the other of two members that mean the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from actor_oauth.oauth.client_assertion import CLOCK_SKEW
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json, get_text, parse_json_object
from actor_oauth.oauth.jwks import VerificationKey
from actor_oauth.oauth.jwt_bearer import check_signature
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.signed_jwt import Jwt, audiences, moment, parse_jwt
from actor_oauth.oauth.trusted_issuers import TrustedIssuer

MEMBER: Final = "software_statement"

# About the statement itself, or the server's to say.
_NOT_METADATA: Final = frozenset(
    (
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti"),
        *(MEMBER, "client_id", "client_secret", "client_id_issued_at"),
        *("client_secret_expires_at", "registration_access_token"),
        "registration_client_uri",
    )
)
_TYPES: Final = (None, "jwt")
_SAME: Final[Mapping[str, str]] = {"jwks": "jwks_uri", "jwks_uri": "jwks"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedStatement:
    """A statement of an issuer that may make such ones. Nothing of it is verified.

    Attributes:
        jwt: As presented.
        issuer: Who says to have signed it.
    """

    jwt: Jwt
    issuer: TrustedIssuer


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement that holds.

    Attributes:
        text: As it was presented.
        claims: The client metadata in it.
    """

    text: str = field(repr=False)
    claims: Mapping[str, Json]

    def over(self, members: Mapping[str, Json]) -> dict[str, Json]:
        """Give a client's metadata with the signed values in place of its own."""
        unsigned = {
            name: value for name, value in members.items() if not self._settles(name)
        }
        return {**unsigned, **self.claims}

    def kept_by(self, client: Client) -> Client:
        """Give a client that has this statement, to be returned with its metadata."""
        return replace(client, metadata={**client.metadata, MEMBER: self.text})

    def _settles(self, name: str) -> bool:
        base = name.partition("#")[0]
        return base in self.claims or _SAME.get(name) in self.claims


def read_statement(body: bytes, policy: Policy) -> PresentedStatement | Refused | None:
    """Find the statement in a request that will be read in full later.

    Args:
        body: As it came, not too long.
        policy: Says who is trusted.

    Returns:
        None if there is none that counts; Refused if there must be one.
    """
    members = parse_json_object(body)
    if members is None or not policy.trust.has("software-statement"):
        return None
    text = members.get(MEMBER)
    if text is None:
        needed = policy.trust.statement_required
        return Refused(Reason.STATEMENT_MISSING) if needed else None
    jwt = parse_jwt(text) if isinstance(text, str) else None
    if jwt is None or jwt.typ not in _TYPES:
        return Refused(Reason.STATEMENT_MALFORMED)
    issuer = policy.trust.find(jwt.claims.get("iss"))
    if issuer is None or "software-statement" not in issuer.uses:
        return Refused(Reason.STATEMENT_UNAPPROVED)
    return PresentedStatement(jwt=jwt, issuer=issuer)


def decide_statement(
    presented: PresentedStatement,
    keys: Sequence[VerificationKey],
    policy: Policy,
    *,
    now: int,
) -> Statement | Refused:
    """Decide whether a statement holds.

    Args:
        presented: From `read_statement`.
        keys: The issuer's.
        policy: Says who we are.
        now: The time, in Unix seconds.

    Returns:
        Refused with `STATEMENT_KEY_UNKNOWN` if it names none of the keys: then the
        issuer may have new ones.

    Source: RFC 7591 §2.3, §3.1.1 (B-28).
    """
    jwt = presented.jwt
    refusal = check_signature(jwt, presented.issuer, keys)
    if refusal is Reason.ASSERTION_KEY_UNKNOWN:
        return Refused(Reason.STATEMENT_KEY_UNKNOWN)
    if refusal is not None:
        return Refused(Reason.STATEMENT_SIGNATURE, str(refusal))
    # Whatever else the issuer signs with the same key names no software.
    if not get_text(jwt.claims, "software_id"):
        return Refused(Reason.STATEMENT_MALFORMED)
    if "aud" in jwt.claims and policy.issuer not in (audiences(jwt) or ()):
        return Refused(Reason.STATEMENT_AUDIENCE)
    if not _is_in_time(jwt, now):
        return Refused(Reason.STATEMENT_EXPIRED)
    claims = {
        name: value
        for name, value in jwt.claims.items()
        if name not in _NOT_METADATA and value is not None
    }
    return Statement(text=jwt.text, claims=claims)


def _is_in_time(jwt: Jwt, now: int) -> bool:
    try:
        expires_at = moment(jwt, "exp")
        begins_at = max(moment(jwt, "iat") or 0, moment(jwt, "nbf") or 0)
    except ValueError:
        return False
    is_over = expires_at is not None and expires_at + CLOCK_SKEW <= now
    return not is_over and begins_at <= now + CLOCK_SKEW
