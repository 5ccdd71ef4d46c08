"""The sequential model of a grant: what one request at a time may be answered.

A state is what an observer can know of a grant. `step` gives every state that an event
may lead to; no state means that the event cannot have happened there.

Rule 1: one code, one redemption. One token, one successor.
Rule 2: a superseded token leads to the chain's head while its grace window is open, and
ends the grant, or at least is refused, afterwards.
Rule 3: without a grace window a second use is refused. If the two overlapped, they were
two programs of an honest user, and that ends nothing; other servers may also answer
both with the same tokens.
Rule 4: a grant that has ended never comes back, and one that nobody ended is never lost.

Servers keep time in whole seconds, and an observer knows when a token was first used only
from when to when. So around a window's end both answers are allowed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from actor_oauth.bench.history.events import (
    NEVER,
    Check,
    Done,
    Event,
    Given,
    Redeem,
    Refresh,
    Refused,
    Revoke,
    Unknown,
)

ROUNDING: Final = 1.0
"""Seconds by which a server's clock of whole seconds may be late."""

HIDDEN: Final = ""
"""A head that was made by a request without an answer: nobody has seen it yet."""


class Anomaly(StrEnum):
    """Why no order of a history's requests explains its answers."""

    STALE_ACCEPT = "accepted after the grant had ended"
    LOST_GRANT = "refused, though nobody ended the grant"
    FORK = "a token that is not the chain's head was given out"
    DOUBLE_REDEMPTION = "the code was redeemed twice"
    REPLAY_ACCEPTED = "a superseded token was accepted after its window"
    INVENTION = "a token was accepted that was never given out"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a server promises.

    Attributes:
        grace: Seconds for which a superseded token leads to the head; 0 for none.
        replay_ends: Whether a replay, of a code or a token, always ends the grant.
        old_access_may_end: Whether a refresh may end the access token before it.
        revokes_superseded: Whether revoking a superseded token always ends the grant.
        overlaps_end: Whether a second use ends the grant also if it overlapped the first:
            strict one-time use, which an operator may choose.
        overlaps_may_agree: Whether, without a grace window, a use that overlapped the
            first may be answered with the current tokens as well.
    """

    grace: float
    replay_ends: bool = True
    old_access_may_end: bool = False
    revokes_superseded: bool = True
    overlaps_may_agree: bool = False
    overlaps_end: bool = False


def foreign_rules(grace: float) -> Rules:
    """Give what every server has to promise."""
    return Rules(
        grace=grace,
        replay_ends=False,
        old_access_may_end=True,
        revokes_superseded=False,
        overlaps_may_agree=True,
    )


@dataclass(frozen=True, slots=True)
class State:
    """Where a grant stands.

    Attributes:
        alive: Whether it is in force.
        head: The newest refresh token; None before the code is redeemed.
        access: The newest access token that was seen.
        used: Superseded tokens, each with the times between which it was first used.
    """

    alive: bool = True
    head: str | None = None
    access: str | None = None
    used: tuple[tuple[str, float, float], ...] = ()


def begun(refresh: str, access: str) -> State:
    """Give the state of a grant whose code was redeemed before the history."""
    return State(head=refresh, access=access)


def step(state: State, event: Event, rules: Rules) -> tuple[State, ...]:
    """Give every state that an event may lead to; none if it cannot happen here."""
    match event.operation:
        case Redeem():
            return _redeem(state, event, rules)
        case Refresh(token):
            return _refresh(state, token, event, rules)
        case Check(token):
            return _check(state, token, event, rules)
        case Revoke(token):
            return _revoke(state, token, event, rules)


def _redeem(state: State, event: Event, rules: Rules) -> tuple[State, ...]:
    match event.outcome:
        case Given(refresh, access) if state.alive and state.head is None:
            return (replace(state, head=refresh, access=access),)
        case Refused() if not state.alive:
            return (state,)
        case Refused() if state.head is not None:
            return _replayed(state, rules)
        case Unknown() if state.alive and state.head is None:
            return (replace(state, head=HIDDEN),)
        case Unknown() if state.alive:
            return _replayed(state, rules)
        case _:
            return ()


def _replayed(state: State, rules: Rules) -> tuple[State, ...]:
    ended = replace(state, alive=False)
    return (ended,) if rules.replay_ends else (ended, state)


def _refresh(state: State, token: str, event: Event, rules: Rules) -> tuple[State, ...]:
    if not state.alive:
        return () if isinstance(event.outcome, Given) else (state,)
    if token == state.head:
        return _rotate(state, token, event)
    window = next((one for one in state.used if one[0] == token), None)
    if window is None:
        return (state,) if isinstance(event.outcome, Unknown) else ()
    found: list[State] = []
    _, earliest, latest = window
    if _may_be_retry(event, latest, rules):
        found += _retry(state, event)
    overlaps = rules.grace == 0 and event.start <= latest < NEVER
    if overlaps and not rules.overlaps_end:
        found += (state,) if isinstance(event.outcome, Refused) else ()
    elif event.end > earliest + rules.grace:
        found += _replay(state, event, rules)
    return tuple(found)


def _may_be_retry(event: Event, latest: float, rules: Rules) -> bool:
    if rules.grace > 0:
        return event.start <= latest + rules.grace + ROUNDING
    return rules.overlaps_may_agree and event.start <= latest


def _rotate(state: State, token: str, event: Event) -> tuple[State, ...]:
    used = (*state.used, (token, event.start, event.end))
    match event.outcome:
        case Given(refresh, access) if not _is_known(state, refresh):
            return (replace(state, head=refresh, access=access, used=used),)
        case Unknown():
            return (replace(state, head=HIDDEN, used=used),)
        case _:
            return ()


def _retry(state: State, event: Event) -> tuple[State, ...]:
    match event.outcome:
        case Given(refresh, access) if refresh == state.head:
            return (replace(state, access=access),)
        case Given(refresh, access) if state.head == HIDDEN and not _is_known(
            state, refresh
        ):
            return (replace(state, head=refresh, access=access),)
        case Unknown():
            return (state,)
        case _:
            return ()


def _replay(state: State, event: Event, rules: Rules) -> tuple[State, ...]:
    if isinstance(event.outcome, Given):
        return ()
    return _replayed(state, rules)


def _is_known(state: State, token: str) -> bool:
    return token == state.head or any(one[0] == token for one in state.used)


def _check(state: State, token: str, event: Event, rules: Rules) -> tuple[State, ...]:
    match event.outcome:
        case Done():
            return (state,) if state.alive else ()
        case Refused() if state.alive:
            superseded = state.head == HIDDEN or token != state.access
            return (state,) if rules.old_access_may_end and superseded else ()
        case _:
            return (state,)


def _revoke(state: State, token: str, event: Event, rules: Rules) -> tuple[State, ...]:
    if isinstance(event.outcome, Refused):
        return (state,)
    if token != state.head and not rules.revokes_superseded:
        return state, replace(state, alive=False)
    return (replace(state, alive=False),)


def explain(history: Sequence[Event], culprit: Event, rules: Rules) -> Anomaly:
    """Name what is wrong with the answer that made a history impossible to explain.

    Args:
        history: Up to that answer.
        culprit: The request that got it.
        rules: What the server promises.
    """
    if isinstance(culprit.outcome, Refused):
        return Anomaly.LOST_GRANT
    match culprit.operation:
        case Redeem():
            return Anomaly.DOUBLE_REDEMPTION
        case Refresh(token) if not _was_revoked(history, culprit):
            return _explain_refresh(history, culprit, token, rules)
        case _:
            return Anomaly.STALE_ACCEPT


def _was_revoked(history: Sequence[Event], culprit: Event) -> bool:
    return any(
        isinstance(event.operation, Revoke)
        and isinstance(event.outcome, Done)
        and event.end < culprit.start
        for event in history
    )


def _explain_refresh(
    history: Sequence[Event], culprit: Event, token: str, rules: Rules
) -> Anomaly:
    uses = [
        (event.end, event.outcome.refresh)
        for event in history
        if event.operation == culprit.operation and isinstance(event.outcome, Given)
    ]
    given = (one.outcome.refresh for one in history if isinstance(one.outcome, Given))
    if len(uses) <= 1:
        return Anomaly.STALE_ACCEPT if token in given else Anomaly.INVENTION
    is_late = culprit.start > min(uses)[0] + rules.grace + ROUNDING
    is_same = len({successor for _, successor in uses}) == 1
    return Anomaly.REPLAY_ACCEPTED if is_late or is_same else Anomaly.FORK
