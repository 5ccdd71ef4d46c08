"""The userinfo endpoint: which tokens it accepts, and what it answers.

It accepts every valid token of this server that a user granted with `openid`, whichever
resource the token is for. OpenID Connect has clients use the access token that came
with the ID token, which may be for an API. The answer contains what the user allowed
this client to know, so nothing is revealed that was not granted. A resource server that
replays its caller's token here learns the same, which is why a token that need not
identify the user should be requested without `openid`, or be bound to a key (RFC 9449).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, assert_never

from actor_oauth.oauth.bearer import (
    BearerToken,
    BoundToken,
    CredentialsFault,
    parse_credentials,
)
from actor_oauth.oauth.challenge import Challenge, ChallengeError
from actor_oauth.oauth.dpop import Proof, ProofTarget, decide_proof, same_key
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import EMAIL, OPENID, PROFILE, Scope
from actor_oauth.oauth.tokens import AccessTokenInfo

_E: Final = ChallengeError
# Which scope a standard claim waits for (OpenID Connect Core §5.4).
_SCOPES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ),
        PROFILE,
    ),
    **dict.fromkeys(("email", "email_verified"), EMAIL),
    "address": "address",
    **dict.fromkeys(("phone_number", "phone_number_verified"), "phone"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UserInfoRequest:
    """A request to the userinfo endpoint.

    Attributes:
        method: Upper-case verb.
        authorization: The values of all `Authorization` header lines.
        query_string: As on the wire; nothing in it counts.
        proofs: The values of all `DPoP` header lines.
    """

    method: str
    authorization: Sequence[bytes] = field(repr=False)
    query_string: bytes = field(default=b"", repr=False)
    proofs: Sequence[str] = field(default=(), repr=False)


def find_token(request: UserInfoRequest) -> BearerToken | BoundToken | Challenge:
    """Give the token of a request, or the challenge to bring one."""
    found = parse_credentials(request.authorization, request.query_string)
    match found:
        case BearerToken() | BoundToken():
            return found
        case CredentialsFault.NO_CREDENTIALS:
            return _challenge(Reason.CREDENTIALS_MISSING)
        case CredentialsFault.MALFORMED:
            return _challenge(Reason.CREDENTIALS_MALFORMED, _E.INVALID_TOKEN)
        case CredentialsFault.SEVERAL:
            return _challenge(Reason.CREDENTIALS_SEVERAL, _E.INVALID_REQUEST)
        case _:
            assert_never(found)


def decide_userinfo(
    token: BearerToken | BoundToken, info: AccessTokenInfo | None
) -> AccessTokenInfo | Challenge:
    """Decide whether the holder of a token may learn about its user.

    Args:
        token: As it was presented.
        info: What the token's owner says of it; None if it is dead, or none of ours.

    Source: OpenID Connect Core §5.3.
    """
    bound = isinstance(token, BoundToken)
    if info is None:
        return _challenge(Reason.ACCESS_TOKEN_UNKNOWN, _E.INVALID_TOKEN, bound=bound)
    if (info.jkt is not None) != bound:
        return _challenge(Reason.ACCESS_TOKEN_BINDING, _E.INVALID_TOKEN, bound=bound)
    # No user of this server stands behind a client's own token.
    if info.principal != "user":
        return _challenge(Reason.ACCESS_TOKEN_AUDIENCE, _E.INVALID_TOKEN, bound=bound)
    if OPENID not in info.scope:
        return _challenge(Reason.ACCESS_TOKEN_SCOPE, _E.INSUFFICIENT_SCOPE, bound=bound)
    return info


def decide_holder(
    request: UserInfoRequest,
    token: BoundToken,
    info: AccessTokenInfo,
    *,
    url: str,
    nonces: Sequence[str] | None,
    now: int,
) -> Proof | Challenge:
    """Decide whether the holder of a bound token proves its key (RFC 9449 §7).

    Args:
        request: With the proof.
        token: As it was presented.
        info: What the token allows.
        url: Of the endpoint, from configuration.
        nonces: Those that are accepted, the newest first; None if none is wanted.
        now: In Unix seconds.
    """
    target = ProofTarget(
        method=request.method, url=url, access_token=token.value, nonces=nonces
    )
    proof = decide_proof(request.proofs, target, now=now)
    if isinstance(proof, Proof) and not same_key(info.jkt, proof):
        proof = Refused(Reason.DPOP_PROOF_BY_ANOTHER)
    if isinstance(proof, Refused):
        return refused_holder(proof, nonces=nonces)
    return proof


def refused_holder(refused: Refused, *, nonces: Sequence[str] | None) -> Challenge:
    """Give the challenge for a proof that does not hold, or not again."""
    wants_nonce = refused.reason is Reason.DPOP_NONCE_WANTED
    return _challenge(
        refused.reason,
        _E.USE_DPOP_NONCE if wants_nonce else _E.INVALID_DPOP_PROOF,
        bound=True,
        nonce=nonces[0] if wants_nonce and nonces else None,
    )


def userinfo_claims(
    user_id: str, scope: Scope, supplied: Mapping[str, Json]
) -> dict[str, Json]:
    """Give the members of the answer.

    Args:
        user_id: Who; the application cannot say otherwise.
        scope: What was granted. A standard claim whose scope was not granted is left
            out, whatever its source.
        supplied: By the application.

    Source: OpenID Connect Core §5.1, §5.3.2, §5.4.
    """
    claims: dict[str, Json] = {"preferred_username": user_id, **supplied}
    return {
        **{
            name: value
            for name, value in claims.items()
            if value is not None and _SCOPES.get(name, OPENID) in scope
        },
        "sub": user_id,
    }


def _challenge(
    reason: Reason,
    error: ChallengeError | None = None,
    *,
    bound: bool = False,
    nonce: str | None = None,
) -> Challenge:
    return Challenge(
        metadata_url=None,
        scope=(OPENID,),
        error=error,
        description=None if error is None else reason.description,
        bound=bound,
        nonce=nonce,
        reason=reason,
    )
