"""The life cycle of a question to a user: total, and over after the first answer."""

import pytest

from actor_oauth.oauth.question_lifecycle import (
    TRANSITIONS,
    Answer,
    QuestionState,
    after,
)


def test_every_state_is_in_the_table_and_every_answer_can_be_given() -> None:
    assert set(TRANSITIONS) == set(QuestionState)
    assert set(TRANSITIONS[QuestionState.PENDING]) == set(Answer)
    reached = {state for moves in TRANSITIONS.values() for state in moves.values()}
    assert {QuestionState.PENDING} | reached == set(QuestionState)


@pytest.mark.requirement("C-15", "M-11", "M-14")
@pytest.mark.parametrize("first", Answer)
@pytest.mark.parametrize("second", Answer)
def test_the_first_answer_counts(first: Answer, second: Answer) -> None:
    state = after(QuestionState.PENDING, first)
    assert state is not None
    assert after(state, second) is None
