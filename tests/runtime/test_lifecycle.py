"""The life cycle of an activation, as its table has it."""

import pytest

from actor_oauth.runtime.lifecycle import (
    TRANSITIONS,
    ActivationEvent,
    ActivationState,
    IllegalTransitionError,
    advance,
)


def test_the_table_of_the_life_cycle_is_total_and_its_ends_are_final() -> None:
    reached = {target for moves in TRANSITIONS.values() for target in moves.values()}

    assert set(TRANSITIONS) == set(ActivationState)
    assert reached | {ActivationState.LOADING} == set(ActivationState)
    assert not TRANSITIONS[ActivationState.BROKEN]
    assert not TRANSITIONS[ActivationState.STOPPED]


def test_a_move_that_the_table_does_not_know_is_a_bug() -> None:
    with pytest.raises(IllegalTransitionError, match="stopped"):
        advance(ActivationState.STOPPED, ActivationEvent.LOADED)
