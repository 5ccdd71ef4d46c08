"""The turns that refresh: load facts, let `oauth` decide, save what was decided."""

from dataclasses import dataclass
from typing import assert_never

from actor_oauth.actors.proofs import note_proof, unless_used
from actor_oauth.actors.user.exchange import load_named
from actor_oauth.actors.user.grants import bind_refresh_tokens, end_grant
from actor_oauth.actors.user.late_refreshes import save_accepted, save_rejection
from actor_oauth.actors.user.terms import retry_on_terms
from actor_oauth.actors.user.tokens import load_chain, save_renewal, save_rotation
from actor_oauth.oauth.grants import Ending, Grant
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.refresh import decide_refresh
from actor_oauth.oauth.refresh_chain import (
    Chain,
    RefreshRequest,
    Rejection,
    Renewal,
    Retry,
    ReuseDue,
    Rotation,
)
from actor_oauth.oauth.tokens import TokenResponse
from actor_oauth.runtime import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """A refresh token was accepted.

    Attributes:
        response: For the client.
        grant_id: The grant's name among those of the user.
        retried: Whether the token had been used before, so that nothing was rotated.
    """

    response: TokenResponse
    grant_id: str
    retried: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshOutcome:
    """What a refresh did.

    Attributes:
        refreshed: For the caller.
        link_ends_at: The last second in which the link may be used; None if it made none.
        over_at: When the first of the other things it left expires, in Unix seconds.
    """

    refreshed: Refreshed
    link_ends_at: int | None
    over_at: int


def refresh(
    db: Database,
    request: RefreshRequest,
    *,
    keyring: Keyring,
    policy: Policy,
    fresh: bytes,
    now: int,
) -> RefreshOutcome | ReuseDue | Refused:
    """Refresh: what is decided is what is committed.

    Returns:
        ReuseDue, and nothing is committed, if the application is to be asked first.
    """
    grant = load_named(db, request.token)
    chain = None if grant is None else load_chain(db, request.token, grant)
    decision = decide_refresh(
        request, grant, chain, keyring=keyring, policy=policy, fresh=fresh, now=now
    )
    if request.proof is not None and isinstance(decision, Rotation | Renewal | Retry):
        decision = unless_used(db, request.proof, decision)
    if isinstance(decision, ReuseDue):
        return decision
    return settle_refresh(db, grant, chain, decision, now=now)


def settle_refresh(
    db: Database,
    grant: Grant | None,
    chain: Chain | None,
    decision: Rotation | Renewal | Retry | Rejection | Ending | Refused,
    *,
    now: int,
) -> RefreshOutcome | Refused:
    """Save what was decided about a refresh token."""
    if isinstance(decision, Refused):
        return decision
    assert grant is not None
    assert chain is not None
    match decision:
        case Ending():
            end_grant(db, grant, decision.event, now=now)
            return decision.refused
        case Rejection():
            save_rejection(db, grant, decision)
            return decision.refused
        case Rotation() | Renewal() | Retry():
            response = _save(db, grant, chain, decision)
            if isinstance(response, Refused):
                return response
            note_proof(db, decision.proof, now=now)
            return _outcome(grant, decision, response, now=now)
        case _:
            assert_never(decision)


def _save(
    db: Database, grant: Grant, chain: Chain, decision: Rotation | Renewal | Retry
) -> TokenResponse | Refused:
    if isinstance(decision, Retry):
        response = retry_on_terms(db, grant, chain, decision)
        if isinstance(response, Refused):
            return response
        if decision.accepted is not None:
            save_accepted(db, grant, decision.accepted)
        return response
    if isinstance(decision, Renewal):
        save_renewal(db, grant, decision)
        return decision.response
    save_rotation(db, grant, decision)
    if decision.refresh_jkt != grant.refresh_jkt:
        bind_refresh_tokens(db, grant, decision.refresh_jkt)
    return decision.response


def _outcome(
    grant: Grant,
    decision: Rotation | Renewal | Retry,
    response: TokenResponse,
    *,
    now: int,
) -> RefreshOutcome:
    refreshed = Refreshed(
        response=response,
        grant_id=grant.grant_id,
        retried=isinstance(decision, Retry),
    )
    return RefreshOutcome(
        refreshed=refreshed,
        link_ends_at=_link_ends_at(decision),
        over_at=now if decision.proof is not None else now + response.expires_in,
    )


def _link_ends_at(decision: Rotation | Renewal | Retry) -> int | None:
    link = decision.link if isinstance(decision, Rotation) else None
    if link is None:
        return None
    # One for a lost answer ends with its window if its successor is presented in it.
    kept = None if link.while_unused else link.kept_until
    return kept or link.window_ends_at
