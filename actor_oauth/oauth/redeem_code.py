"""Redeeming a code: once, by the client that asked, with its verifier.

The order of the checks is the protection. Everything that a code thief may lack is
checked before anything changes, so that a stolen code without its verifier neither
redeems the grant nor ends it (D-07, D-17).
"""

import hmac
from dataclasses import dataclass, field, replace
from typing import Final

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof, same_key
from actor_oauth.oauth.grants import (
    Ending,
    Grant,
    GrantEvent,
    GrantState,
    IssuedAccessToken,
    IssuedRefreshToken,
    covers_resources,
    ending,
    is_final,
    issue_access_token,
    issue_refresh_token,
    next_state,
    refusal_of_final,
    token_response,
)
from actor_oauth.oauth.pkce import check_verifier, verify_s256
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.props import unwrap_data_key
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.tokens import Token, TokenResponse, draw, token_hash

MAX_VERIFIER_FAILURES: Final = 5
"""Wrong verifiers after which a code is invalid (D-18)."""

FIRST_GENERATION: Final = 1


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """A token request with grant type `authorization_code`.

    Attributes:
        code: What was presented.
        client: Who authenticated.
        redirect_uri: If it was sent.
        code_verifier: If it was sent.
        resources: The values of `resource`.
        proof: Of a key, if one was sent.
    """

    code: Token
    client: Client
    redirect_uri: str | None
    code_verifier: str | None = field(repr=False)
    resources: tuple[str, ...] = ()
    proof: Proof | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """The code is redeemed.

    Attributes:
        grant: As it is from now on.
        access: To be stored.
        refresh: To be stored; None if the client gets none.
        response: For the client.
        proof: To be noted as used.
    """

    grant: Grant
    access: IssuedAccessToken
    refresh: IssuedRefreshToken | None
    response: TokenResponse
    proof: Proof | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongVerifier:
    """A refusal that is counted: the code came without its verifier (D-18).

    Attributes:
        refused: The answer to the caller.
        failures: How often that happened by now.
    """

    refused: Refused
    failures: int


def decide_redemption(
    request: CodeRequest,
    grant: Grant | None,
    *,
    policy: Policy,
    fresh: bytes,
    now: int,
) -> Redemption | WrongVerifier | Ending | Refused:
    """Decide what presenting a code does to its grant.

    Args:
        request: What the authenticated client sent.
        grant: The grant that the code names, or None if there is none.
        policy: What the operator decided.
        fresh: Random bytes for this decision.
        now: The time of the turn.

    Source: RFC 6749 §4.1.3, OAuth 2.1 §4.1.3 and §7.5.3, RFC 7636 §4.6.
    """
    verifier = request.code_verifier
    if verifier is None or not check_verifier(verifier):
        return Refused(Reason.VERIFIER_MALFORMED)
    if grant is None or not hmac.compare_digest(
        token_hash(request.code), grant.code_hash
    ):
        return Refused(Reason.CODE_UNKNOWN)
    refused = _check_binding(request, grant)
    if refused is not None:
        return refused
    if not verify_s256(verifier, grant.code_challenge):
        return _count_failure(grant)
    if grant.state is GrantState.ACTIVE:
        # Checked last: at this point the caller could have redeemed the code, so one of
        # the two who tried is a thief, and nobody can tell which (RFC 6749 §10.5).
        return ending(Reason.CODE_REPLAYED, GrantEvent.CODE_REPLAYED)
    if grant.is_over(now):
        return ending(Reason.CODE_EXPIRED, GrantEvent.LIFETIME_ENDED)
    if not covers_resources(grant, request.resources):
        return Refused(Reason.RESOURCE_NOT_GRANTED)
    return redeem_grant(request, grant, policy=policy, fresh=fresh, now=now)


def _check_binding(request: CodeRequest, grant: Grant) -> Refused | None:
    if request.client.client_id != grant.client_id:
        return Refused(Reason.CODE_CLIENT_MISMATCH)
    # OAuth 2.1 clients leave it out; what an OAuth 2.0 client sends must match (D-14).
    if request.redirect_uri not in (None, grant.redirect_uri):
        return Refused(Reason.CODE_REDIRECT_URI_MISMATCH)
    if not same_key(grant.code_jkt, request.proof):
        return Refused(Reason.CODE_KEY_MISMATCH)
    if is_final(grant.state):
        return refusal_of_final(grant.state)
    return None


def _count_failure(grant: Grant) -> WrongVerifier | Ending | Refused:
    if grant.state is not GrantState.AUTHORIZED:
        # Not counted: guesses must not switch off the detection of a replay.
        return Refused(Reason.CODE_VERIFIER_MISMATCH)
    failures = grant.code_failures + 1
    if failures >= MAX_VERIFIER_FAILURES:
        return ending(Reason.CODE_EXHAUSTED, GrantEvent.VERIFIER_EXHAUSTED)
    return WrongVerifier(
        refused=Refused(Reason.CODE_VERIFIER_MISMATCH), failures=failures
    )


def redeem_grant(
    request: CodeRequest, grant: Grant, *, policy: Policy, fresh: bytes, now: int
) -> Redemption:
    """Redeem a grant: everything that speaks against it was checked."""
    time, lifetimes = grant.time(now), policy.lifetimes
    data_key = None
    if grant.code_data_key is not None:
        data_key = unwrap_data_key(grant.code_data_key, request.code)
    jkt = None if request.proof is None else request.proof.jkt
    refresh = None
    if grant.is_refreshable and "refresh_token" in request.client.grant_types:
        secret = draw(fresh, "refresh")
        refresh = issue_refresh_token(grant, secret, FIRST_GENERATION, data_key)
    generation = 0 if refresh is None else refresh.generation
    access = issue_access_token(
        grant,
        draw(fresh, "access"),
        generation=generation,
        time=time,
        lifetimes=lifetimes,
        data_key=data_key,
        jkt=jkt,
    )
    expires_at = grant.expires_at
    deadline = min(time + lifetimes.refresh_idle, expires_at)
    if refresh is None:
        # Nothing can follow the access token.
        deadline = expires_at = access.expires_at
    return Redemption(
        grant=replace(
            grant,
            state=next_state(grant.state, GrantEvent.CODE_REDEEMED),
            clock=time,
            generation=generation,
            deadline=deadline,
            expires_at=expires_at,
            code_data_key=None,
            # A client with a secret proves by it who refreshes (RFC 9449 §5).
            refresh_jkt=None if request.client.is_confidential else jkt,
        ),
        access=access,
        refresh=refresh,
        response=token_response(
            grant,
            access.token,
            expires_at=access.expires_at,
            time=time,
            refresh=None if refresh is None else refresh.token,
            jkt=jkt,
        ),
        proof=request.proof,
    )
