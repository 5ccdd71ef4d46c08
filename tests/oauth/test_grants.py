"""The life of a grant as a table, and its names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.grants import (
    TRANSITIONS,
    GrantEvent,
    GrantState,
    IllegalTransitionError,
    covers_resources,
    grant_id,
    is_final,
    next_state,
    parse_grant_id,
    parse_record,
    record,
    refusal_of_final,
)
from actor_oauth.oauth.reasons import Reason
from actor_oauth.oauth.tokens import Token, TokenKind
from tests.support.grants import RESOURCE, START, a_chain, an_issued_code

NUMBERS = st.integers(0, 2**32 - 1)


def test_every_state_is_in_the_table_and_can_be_reached() -> None:
    reached = {GrantState.AUTHORIZED}
    for _ in GrantState:
        reached |= {state for old in reached for state in TRANSITIONS[old].values()}
    assert set(TRANSITIONS) == set(GrantState) == reached


def test_every_event_happens_somewhere() -> None:
    assert {event for moves in TRANSITIONS.values() for event in moves} == set(
        GrantEvent
    )


@pytest.mark.requirement("H-07")
@pytest.mark.parametrize("event", GrantEvent)
@pytest.mark.parametrize("state", [GrantState.REVOKED, GrantState.EXPIRED])
def test_nothing_moves_a_grant_that_has_ended(
    state: GrantState, event: GrantEvent
) -> None:
    assert is_final(state)
    with pytest.raises(IllegalTransitionError):
        next_state(state, event)


@pytest.mark.requirement("D-16")
def test_a_code_is_redeemed_from_one_state_only() -> None:
    redeemable = [s for s in GrantState if GrantEvent.CODE_REDEEMED in TRANSITIONS[s]]
    assert redeemable == [GrantState.AUTHORIZED]


def test_the_log_can_tell_a_revoked_grant_from_an_expired_one() -> None:
    assert refusal_of_final(GrantState.REVOKED).reason is Reason.GRANT_REVOKED
    assert refusal_of_final(GrantState.EXPIRED).reason is Reason.GRANT_EXPIRED


@given(NUMBERS, NUMBERS)
def test_a_record_names_the_grant_and_the_generation(
    number: int, generation: int
) -> None:
    token = Token(TokenKind.REFRESH, "ab" * 16, record(number, generation), b"")
    assert parse_record(token) == (number, generation)


@given(NUMBERS)
def test_a_grant_id_names_one_number(number: int) -> None:
    assert parse_grant_id(grant_id(number)) == number


def test_a_grant_knows_its_name() -> None:
    assert an_issued_code().grant.grant_id == "00000007"


@pytest.mark.parametrize("text", ["", "1", "0000000A", "+0000001", "x", " 0000001"])
def test_a_grant_id_has_one_spelling(text: str) -> None:
    assert parse_grant_id(text) is None


@pytest.mark.requirement("K-13")
def test_time_in_a_grant_does_not_run_backwards() -> None:
    grant = an_issued_code(now=START).grant
    assert grant.time(START - 1000) == START
    assert grant.time(START + 1000) == START + 1000


@pytest.mark.requirement("D-10")
@pytest.mark.parametrize(
    ("requested", "covered"),
    [
        ((), True),
        ((RESOURCE,), True),
        (("HTTPS://API.example/mcp", RESOURCE), True),
        (("https://api.example/other",), False),
        ((RESOURCE, "https://api.example/other"), False),
        (("not a url",), False),
    ],
)
def test_a_token_is_for_the_granted_resource_only(
    requested: tuple[str, ...], covered: bool
) -> None:
    chain, _ = a_chain()
    assert covers_resources(chain.grant, requested) is covered
