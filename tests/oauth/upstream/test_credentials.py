"""Where connections stand, when a token is used, and when it is replaced."""

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.upstream.credentials import (
    TRANSITIONS,
    Credential,
    CredentialEvent,
    CredentialState,
    Use,
    advance,
    decide_use,
    may_claim,
    pause_after,
)
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.refreshing import (
    RefreshTicket,
    Settled,
    Settlement,
    begin_refresh,
    end,
    settle_refresh,
)
from actor_oauth.oauth.upstream.token_response import UpstreamTokens

_S, _E, _F = CredentialState, CredentialEvent, UpstreamFault
NOW: Final = 1_800_000_000
GOOD: Final = Credential(
    state=_S.CONNECTED,
    epoch=3,
    generation=7,
    obtained_at=NOW - 100,
    expires_at=NOW + 3500,
    can_refresh=True,
)
CLAIM: Final = b"c" * 16


def test_every_state_is_in_the_table_and_can_be_reached() -> None:
    reached = {_S.ABSENT}
    for _ in TRANSITIONS:
        reached |= {after for state in reached for after in TRANSITIONS[state].values()}

    assert set(TRANSITIONS) == reached == set(_S)
    assert advance(_S.ABSENT, _E.REMOVED) is None
    assert {event for moves in TRANSITIONS.values() for event in moves} == set(_E)


@pytest.mark.requirement("I-26")
@pytest.mark.parametrize(
    ("life", "lead"),
    [(3600, 300), (600, 300), (599, 300), (300, 150), (60, 30), (1, 1)],
)
def test_a_token_is_replaced_five_minutes_ahead_or_at_half_its_life(
    life: int, lead: int
) -> None:
    credential = replace(GOOD, obtained_at=NOW, expires_at=NOW + life)
    due_at = NOW + life - lead

    assert credential.due_at == due_at
    assert decide_use(credential, now=due_at) is Use.REFRESH
    if due_at > NOW:
        assert decide_use(credential, now=due_at - 1) is Use.PRESENT


@pytest.mark.requirement("I-26")
def test_a_token_of_unknown_life_is_replaced_when_it_is_refused() -> None:
    credential = replace(GOOD, expires_at=None)

    assert credential.due_at is None
    assert decide_use(credential, now=NOW + 10**9) is Use.PRESENT
    assert decide_use(credential, now=NOW, forced=True) is Use.REFRESH


@pytest.mark.parametrize(
    ("changes", "forced", "expected"),
    [
        ({}, False, Use.PRESENT),
        ({}, True, Use.REFRESH),
        ({"expires_at": NOW + 100}, False, Use.REFRESH),
        ({"expires_at": NOW}, False, Use.REFRESH),
        # A pause that the other server asked for: what is alive is used meanwhile.
        ({"expires_at": NOW + 9, "retry_at": NOW + 1}, False, Use.PRESENT),
        ({"expires_at": NOW, "retry_at": NOW + 1}, False, Use.WAIT),
        ({"retry_at": NOW + 1}, True, Use.PRESENT),
        ({"expires_at": NOW, "retry_at": NOW}, False, Use.REFRESH),
        ({"expires_at": NOW + 9, "can_refresh": False}, False, Use.PRESENT),
        ({"expires_at": NOW, "can_refresh": False}, False, Use.AUTHORIZE),
        ({"state": _S.NEEDS_AUTHORIZATION}, False, Use.AUTHORIZE),
        ({"state": _S.ABSENT}, False, Use.AUTHORIZE),
        ({"state": _S.PUBLIC}, False, Use.NOTHING),
        ({"state": _S.PUBLIC, "expires_at": NOW}, False, Use.PROBE),
        ({"state": _S.PUBLIC, "expires_at": None}, False, Use.PROBE),
        ({"state": _S.REFRESHING}, False, Use.PRESENT),
    ],
)
@pytest.mark.requirement("I-02", "I-31")
def test_what_is_done_when_a_token_is_wanted(
    changes: dict[str, object], forced: bool, expected: Use
) -> None:
    credential = replace(GOOD, **changes)  # type: ignore[arg-type]  # fields by name

    assert decide_use(credential, now=NOW, forced=forced) is expected


@pytest.mark.requirement("I-27")
def test_one_refresh_at_a_time_until_its_claim_lapses() -> None:
    begun = begin_refresh(GOOD, CLAIM, until=NOW + 40)

    assert begun.state is _S.REFRESHING
    assert begun.unanswered == 1
    assert may_claim(GOOD, now=NOW)
    assert not may_claim(begun, now=NOW + 39)
    assert may_claim(begun, now=NOW + 40)


@pytest.mark.requirement("I-31")
@pytest.mark.parametrize(
    ("failures", "retry_after", "pause"),
    [
        (1, None, 15),
        (2, None, 30),
        (3, 10, 60),
        (1, 100, 100),
        (9, None, 3600),
        (500, None, 3600),
        (1, 10**9, 3600),
    ],
)
def test_pauses_grow_and_the_other_servers_wish_counts(
    failures: int, retry_after: int | None, pause: int
) -> None:
    assert pause_after(failures, retry_after) == pause


BEGUN: Final = begin_refresh(replace(GOOD, failures=2), CLAIM, until=NOW + 40)
TICKET: Final = RefreshTicket(number=1, epoch=3, generation=7, claim=CLAIM)
TOKENS: Final = UpstreamTokens(
    access_token="new",
    refresh_token=None,
    expires_at=NOW + 60,
    scope=Scope(("a",)),
    obtained_at=NOW,
)


def settled(
    credential: Credential | None,
    answer: UpstreamTokens | UpstreamFault,
    *,
    ended: bool = False,
) -> Settled:
    if isinstance(answer, UpstreamFault):
        failed = UpstreamFailed(fault=answer, retry_after=None)
        return settle_refresh(credential, TICKET, failed, client_ended=ended, now=NOW)
    return settle_refresh(credential, TICKET, answer, client_ended=ended, now=NOW)


@pytest.mark.requirement("I-29")
def test_tokens_are_the_next_generation() -> None:
    done = settled(BEGUN, TOKENS)

    assert done.settlement is Settlement.RENEWED
    assert done.credential == replace(
        GOOD,
        generation=8,
        obtained_at=NOW,
        expires_at=NOW + 60,
        failures=0,
    )


@pytest.mark.requirement("I-32", "M-17")
def test_what_comes_after_a_removal_is_not_stored() -> None:
    done = settled(None, TOKENS)

    assert done == Settled(settlement=Settlement.REMOVED, credential=None)


@pytest.mark.requirement("I-32", "M-17")
@pytest.mark.parametrize("changes", [{"epoch": 4, "generation": 0}, {"generation": 8}])
@pytest.mark.parametrize("answer", [TOKENS, _F.GRANT_REJECTED, _F.ANSWER_LOST])
def test_what_comes_after_something_newer_does_nothing(
    changes: dict[str, int], answer: UpstreamTokens | UpstreamFault
) -> None:
    newer = replace(BEGUN, **changes)  # type: ignore[arg-type]  # fields by name

    assert settled(newer, answer) == Settled(
        settlement=Settlement.IGNORED, credential=newer
    )


@pytest.mark.requirement("I-27", "I-32")
def test_tokens_that_come_late_are_stored_if_nothing_is_newer() -> None:
    taken_over = replace(BEGUN, claim=b"other")
    ended = end(BEGUN)
    back = replace(BEGUN, state=_S.CONNECTED, claim=None)

    for credential in (taken_over, ended, back):
        done = settled(credential, replace(TOKENS, refresh_token="r"))
        assert done.settlement is Settlement.RENEWED
        assert done.credential is not None
        assert done.credential.state is _S.CONNECTED
        assert done.credential.can_refresh


@pytest.mark.requirement("I-31")
@pytest.mark.parametrize("answer", [_F.GRANT_REJECTED, _F.UNREACHABLE])
def test_who_lost_its_claim_has_no_say_about_failures(answer: UpstreamFault) -> None:
    taken_over = replace(BEGUN, claim=b"other")

    assert settled(taken_over, answer).settlement is Settlement.IGNORED


@pytest.mark.requirement("I-31")
@pytest.mark.parametrize(
    ("answer", "ended"), [(_F.GRANT_REJECTED, False), (_F.CLIENT_REJECTED, True)]
)
def test_a_definite_refusal_ends_the_connection(
    answer: UpstreamFault, ended: bool
) -> None:
    done = settled(BEGUN, answer, ended=ended)

    assert done.settlement is Settlement.ENDED
    assert done.credential is not None
    assert done.credential.state is _S.NEEDS_AUTHORIZATION
    assert not done.credential.can_refresh
    assert done.credential.claim is None


@pytest.mark.requirement("I-30", "I-31")
@pytest.mark.parametrize(
    ("answer", "unanswered"),
    [
        (_F.ANSWER_LOST, 1),
        (_F.UNREACHABLE, 0),
        (_F.TOKEN_REFUSED, 0),
        (_F.TOKEN_RESPONSE_MALFORMED, 0),
        (_F.CLIENT_REJECTED, 0),
    ],
)
def test_every_other_failure_keeps_everything_and_waits(
    answer: UpstreamFault, unanswered: int
) -> None:
    done = settled(BEGUN, answer)

    assert done.settlement is Settlement.POSTPONED
    assert done.credential == replace(
        GOOD, failures=3, retry_at=NOW + 60, unanswered=unanswered
    )


ANSWERS: Final[tuple[UpstreamTokens | UpstreamFailed, ...]] = (
    TOKENS,
    UpstreamFailed(fault=_F.GRANT_REJECTED),
    UpstreamFailed(fault=_F.ANSWER_LOST),
    UpstreamFailed(fault=_F.UNREACHABLE),
)


class Refreshes(RuleBasedStateMachine):
    """Any number of refreshes, removals and authorizations, answered in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.credential: Credential | None = replace(GOOD, epoch=1, generation=0)
        self.open: list[RefreshTicket] = []
        self.newest = (1, 0)
        self.claims = 0

    @rule(seconds=st.integers(1, 50))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def begin(self) -> None:
        credential = self.credential
        usable = credential is not None and credential.is_usable
        if credential is None or not usable or not may_claim(credential, now=self.now):
            return
        self.claims += 1
        claim = self.claims.to_bytes(16)
        self.credential = begin_refresh(credential, claim, until=self.now + 40)
        self.open.append(
            RefreshTicket(
                number=1,
                epoch=credential.epoch,
                generation=credential.generation,
                claim=claim,
            )
        )

    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        if not self.open:
            return
        ticket = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        done = settle_refresh(
            self.credential,
            ticket,
            data.draw(st.sampled_from(ANSWERS)),
            client_ended=False,
            now=self.now,
        )
        if done.settlement is Settlement.RENEWED:
            # Never over something newer than what it began from.
            assert self.newest == (ticket.epoch, ticket.generation)
            self.newest = (ticket.epoch, ticket.generation + 1)
        self.credential = done.credential

    @rule()
    def authorize(self) -> None:
        epoch = self.newest[0] + 1
        self.newest = (epoch, 0)
        self.credential = replace(GOOD, epoch=epoch, generation=0)

    @rule()
    def remove(self) -> None:
        self.credential = None

    @invariant()
    def what_is_stored_is_the_newest(self) -> None:
        if self.credential is not None:
            assert (self.credential.epoch, self.credential.generation) == self.newest


test_refreshes_in_any_order = Refreshes.TestCase


@given(life=st.integers(1, 10**6), passed=st.integers(0, 10**6), forced=st.booleans())
def test_a_token_that_has_ended_is_never_presented(
    life: int, passed: int, forced: bool
) -> None:
    credential = replace(GOOD, obtained_at=NOW, expires_at=NOW + life)
    use = decide_use(credential, now=NOW + passed, forced=forced)

    assert not (use is Use.PRESENT and passed >= life)
