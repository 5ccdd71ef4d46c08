"""Who may pass the guard: pure decisions, in the order in which they are taken.

First the request as it stands (`decide_request`), then, once somebody has looked the
token up, the token (`decide_token`). The second is asked again while a stream is open.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias, assert_never
from urllib.parse import quote

from actor_oauth.oauth.bearer import (
    BearerToken,
    BoundToken,
    CredentialsFault,
    parse_credentials,
)
from actor_oauth.oauth.challenge import Challenge, ChallengeError
from actor_oauth.oauth.dpop import Proof, ProofTarget, decide_proof, same_key
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.resources import covers
from actor_oauth.oauth.scopes import Scope, held_scopes
from actor_oauth.oauth.tokens import AccessTokenInfo
from actor_oauth.resource.answers import Answer, challenge_answer, forbidden_origin
from actor_oauth.resource.asgi import HeaderLine, RequestHead
from actor_oauth.resource.cors import is_preflight
from actor_oauth.resource.origins import OriginRules, origin_of

OnRefusal: TypeAlias = Callable[[Refused, int, str | None], None]
"""Told why, with which HTTP status, and which client's token it was, if that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What stands between a request and a protected application.

    Attributes:
        resource: Canonical identifier of the resource.
        metadata_url: Absolute URL of its metadata document (RFC 9728).
        baseline: The scopes that a client without a token is told to ask for (A-13).
        required: The scopes without which nobody passes.
        implied: What a scope includes besides itself, transitively (G-09).
        origins: See `OriginRules`.
        preflight: The headers that answer a preflight.
        on_refusal: Hears of every refusal; must not wait.

    Raises:
        ValueError: A scope or the URL cannot stand in a challenge: better told when
            the guard is made than at the first refusal.
    """

    resource: str
    metadata_url: str
    baseline: tuple[str, ...]
    required: tuple[str, ...]
    origins: OriginRules
    preflight: tuple[HeaderLine, ...]
    implied: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    on_refusal: OnRefusal | None = None

    def __post_init__(self) -> None:
        self.challenge()
        self.insufficient_scope(self.required)

    def note(
        self,
        answer: Answer,
        *,
        client_id: str | None = None,
        detail: str | None = None,
        grant: str | None = None,
    ) -> Answer:
        """Tell of an answer that refuses something; gives the answer.

        Args:
            answer: As it will be sent.
            client_id: Whose token it was, if that is known.
            detail: More for the operator.
            grant: Which grant the token names, likewise.
        """
        if self.on_refusal is not None and answer.reason is not None:
            refused = Refused(answer.reason, detail, grant)
            self.on_refusal(refused, answer.status, client_id)
        return answer

    def challenge(
        self,
        reason: Reason = Reason.CREDENTIALS_MISSING,
        error: ChallengeError | None = None,
        *,
        bound: bool = False,
        nonce: str | None = None,
    ) -> Challenge:
        """The challenge for a client that has to come back with a token."""
        return Challenge(
            metadata_url=self.metadata_url,
            scope=self.baseline,
            error=error,
            description=None if error is None else reason.description,
            bound=bound,
            nonce=nonce,
            reason=reason,
        )

    def insufficient_scope(
        self, scopes: tuple[str, ...], *, bound: bool = False
    ) -> Challenge:
        """The step-up challenge: a good token, but it lacks some of these scopes.

        Args:
            scopes: All scopes of the operation, also those that the token has: clients
                ask for exactly what the challenge names (G-08).
            bound: Whether the token was presented with the scheme `DPoP`.
        """
        return Challenge(
            metadata_url=self.metadata_url,
            scope=scopes,
            error=ChallengeError.INSUFFICIENT_SCOPE,
            description=Reason.ACCESS_TOKEN_SCOPE.description,
            bound=bound,
            reason=Reason.ACCESS_TOKEN_SCOPE,
        )


def decide_request(
    protection: Protection, head: RequestHead
) -> Answer | BearerToken | BoundToken:
    """Answer the request at once, or give the token that has to be looked up."""
    if not protection.origins.admit(head):
        return forbidden_origin()
    if is_preflight(head):
        return Answer(status=204, headers=protection.preflight)
    credentials = parse_credentials(head.lines(b"authorization"), head.query_string)
    if isinstance(credentials, CredentialsFault):
        return challenge_answer(_challenge_for(protection, credentials))
    return credentials


def _challenge_for(protection: Protection, fault: CredentialsFault) -> Challenge:
    match fault:
        case CredentialsFault.NO_CREDENTIALS:
            return protection.challenge()
        case CredentialsFault.MALFORMED:
            return invalid_token(protection, Reason.CREDENTIALS_MALFORMED)
        case CredentialsFault.SEVERAL:
            return protection.challenge(
                Reason.CREDENTIALS_SEVERAL, ChallengeError.INVALID_REQUEST
            )
        case _:
            assert_never(fault)


def invalid_token(
    protection: Protection, reason: Reason, *, bound: bool = False
) -> Challenge:
    """The challenge for a token that opens nothing here, whyever (G-04).

    It does not say why: an unknown, an expired and a revoked token look alike.
    """
    return protection.challenge(reason, ChallengeError.INVALID_TOKEN, bound=bound)


def decide_token(
    protection: Protection,
    path: str,
    info: AccessTokenInfo | None,
    *,
    now: int,
    bound: bool = False,
) -> Challenge | AccessTokenInfo:
    """Refuse the token for this request, or give back what it is good for.

    Args:
        protection: What is guarded.
        path: Of the request, percent-decoded.
        info: What the authorization server says of the token; None: nothing good.
        now: Seconds; a token is expired from its `expires_at` on.
        bound: Whether it was presented with the scheme `DPoP`.

    Source: G-05, G-06, G-08.
    """
    if info is None:
        return invalid_token(protection, Reason.ACCESS_TOKEN_UNKNOWN, bound=bound)
    if now >= info.expires_at:
        return invalid_token(protection, Reason.ACCESS_TOKEN_EXPIRED, bound=bound)
    # A bound token that came as a bearer token was stolen, or its client gives it away.
    if (info.jkt is not None) != bound:
        return invalid_token(protection, Reason.ACCESS_TOKEN_BINDING, bound=bound)
    if not _is_audience(protection, path, info.resource):
        return invalid_token(protection, Reason.ACCESS_TOKEN_AUDIENCE, bound=bound)
    if missing_scopes(protection.required, info.scope, protection.implied):
        return protection.insufficient_scope(protection.required, bound=bound)
    return info


def decide_sender(
    protection: Protection,
    head: RequestHead,
    token: BoundToken,
    info: AccessTokenInfo,
    *,
    nonces: Sequence[str] | None,
    now: int,
) -> Challenge | Proof:
    """Refuse a request for its proof, or give the proof, which must be new (F-11, F-12).

    Args:
        protection: What is guarded.
        head: Of the request.
        token: As it was presented.
        info: What it is good for.
        nonces: Those that are accepted, the newest first; None if none is wanted.
        now: In Unix seconds.
    """
    target = ProofTarget(
        method=head.method,
        url=_requested_url(protection.resource, head.path),
        access_token=token.value,
        nonces=nonces,
    )
    lines = [line.decode("latin-1") for line in head.lines(b"dpop")]
    proof = decide_proof(lines, target, now=now)
    if isinstance(proof, Proof) and not same_key(info.jkt, proof):
        proof = Refused(Reason.DPOP_PROOF_BY_ANOTHER)
    if isinstance(proof, Refused):
        return refused_proof(protection, proof, nonces=nonces)
    return proof


def refused_proof(
    protection: Protection, refused: Refused, *, nonces: Sequence[str] | None
) -> Challenge:
    """The challenge for a proof that does not hold, or not again."""
    wants_nonce = refused.reason is Reason.DPOP_NONCE_WANTED
    return protection.challenge(
        refused.reason,
        ChallengeError.USE_DPOP_NONCE
        if wants_nonce
        else ChallengeError.INVALID_DPOP_PROOF,
        bound=True,
        nonce=nonces[0] if wants_nonce and nonces else None,
    )


def missing_scopes(
    required: tuple[str, ...], granted: Scope, implied: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """The required scopes that were granted neither themselves nor by implication."""
    if not [name for name in required if name not in granted.names]:
        return ()
    held = held_scopes(granted, implied)
    return tuple(name for name in required if name not in held)


@lru_cache(maxsize=1024)
def _requested_url(resource: str, path: str) -> str:
    """The URL of a request without its query, from its percent-decoded path.

    Never from `Host`: the origin is the configured one (A-01, J-19).
    """
    return origin_of(resource) + quote(path)


def _is_audience(protection: Protection, path: str, audience: str) -> bool:
    """Hold a token's audience against the URL that was really requested.

    The authorization server has compared it with the resource already. But a guard that
    was mounted elsewhere, or a path with dot segments, must not let anybody reach an
    application beside the resource.
    """
    requested = _requested_url(protection.resource, path)
    if audience == protection.resource == requested:
        # Nearly every request, and no URL needs to be parsed for it.
        return True
    return covers(audience, protection.resource) and covers(audience, requested)
