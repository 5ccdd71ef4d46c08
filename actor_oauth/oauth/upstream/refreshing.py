"""How a connection changes when a refresh begins, and when its answer arrives.

Between the two turns anything may have happened: the user removed the connection, or
authorized it again, or the claim lapsed and another caller refreshed. The second turn
decides by what it finds, not by what was true before.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from actor_oauth.oauth.upstream.credentials import (
    Credential,
    CredentialEvent,
    advance,
    pause_after,
)
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.token_response import UpstreamTokens

# The server could not be reached, or its answer not be understood: the refresh token
# may be as valid as before.
_LOST: Final = (UpstreamFault.ANSWER_LOST,)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshTicket:
    """A refresh under way.

    Attributes:
        number: Of the connection.
        epoch: Of its authorization when the refresh began.
        generation: Of its tokens when the refresh began.
        claim: Random bytes that nobody else has.
    """

    number: int
    epoch: int
    generation: int
    claim: bytes = field(repr=False)


class Settlement(StrEnum):
    """What the answer of a refresh did."""

    RENEWED = "renewed"
    POSTPONED = "postponed"
    ENDED = "ended"
    IGNORED = "ignored"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A decision about the answer of a refresh.

    Attributes:
        settlement: What it did.
        credential: As it stands afterwards; as it stood if nothing was done; None if
            there is none any more, and what came is to be revoked (I-32).
    """

    settlement: Settlement
    credential: Credential | None


def begin_refresh(credential: Credential, claim: bytes, *, until: int) -> Credential:
    """Note a refresh before anything is sent.

    Args:
        credential: One for which `may_claim` said yes.
        claim: Random bytes.
        until: When the claim lapses.
    """
    state = advance(credential.state, CredentialEvent.REFRESH_BEGUN)
    assert state is not None
    return replace(
        credential,
        state=state,
        claim=claim,
        claimed_until=until,
        unanswered=credential.unanswered + 1,
    )


def settle_refresh(
    credential: Credential | None,
    ticket: RefreshTicket,
    answer: UpstreamTokens | UpstreamFailed,
    *,
    client_ended: bool,
    now: int,
) -> Settled:
    """Decide what the answer of a refresh does.

    Args:
        credential: As it stands now; None if it was removed.
        ticket: From when the refresh began.
        answer: The other server's, or why there is none.
        client_ended: Whether the registration that the token is bound to is gone.
        now: The time of the turn.
    """
    if credential is None:
        return Settled(settlement=Settlement.REMOVED, credential=None)
    same = (credential.epoch, credential.generation) == (
        ticket.epoch,
        ticket.generation,
    )
    if not same:
        return Settled(settlement=Settlement.IGNORED, credential=credential)
    if isinstance(answer, UpstreamTokens):
        return _renewed(credential, answer)
    # Another caller took over: whatever this one was told, the other will find out.
    if credential.claim != ticket.claim:
        return Settled(settlement=Settlement.IGNORED, credential=credential)
    if client_ended or answer.fault is UpstreamFault.GRANT_REJECTED:
        return Settled(settlement=Settlement.ENDED, credential=end(credential))
    return _postponed(credential, answer, now)


def end(
    credential: Credential,
    event: CredentialEvent = CredentialEvent.GRANT_REJECTED,
) -> Credential:
    """Give a connection whose token is of no use any more."""
    state = advance(credential.state, event)
    assert state is not None
    return replace(
        credential,
        state=state,
        can_refresh=False,
        claim=None,
        claimed_until=0,
        unanswered=0,
    )


def _renewed(credential: Credential, tokens: UpstreamTokens) -> Settled:
    state = advance(credential.state, CredentialEvent.REFRESHED)
    assert state is not None
    renewed = replace(
        credential,
        state=state,
        generation=credential.generation + 1,
        obtained_at=tokens.obtained_at,
        expires_at=tokens.expires_at,
        can_refresh=credential.can_refresh or tokens.refresh_token is not None,
        claim=None,
        claimed_until=0,
        unanswered=0,
        failures=0,
        retry_at=0,
    )
    return Settled(settlement=Settlement.RENEWED, credential=renewed)


def _postponed(credential: Credential, failed: UpstreamFailed, now: int) -> Settled:
    state = advance(credential.state, CredentialEvent.REFRESH_FAILED)
    assert state is not None
    failures = credential.failures + 1
    postponed = replace(
        credential,
        state=state,
        claim=None,
        claimed_until=0,
        unanswered=credential.unanswered if failed.fault in _LOST else 0,
        failures=failures,
        retry_at=now + pause_after(failures, failed.retry_after),
    )
    return Settled(settlement=Settlement.POSTPONED, credential=postponed)
