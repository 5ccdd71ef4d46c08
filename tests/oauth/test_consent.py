"""Consent transactions: who may answer, and which answer counts."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.consent import (
    Consent,
    decide_answer,
    is_open_to,
)
from actor_oauth.oauth.question_lifecycle import Answer, QuestionState, after
from actor_oauth.oauth.reasons import Reason, Refused
from tests.support.grants import CLIENT, START, a_request

SESSION = b"s" * 32
PENDING = Consent(
    state=QuestionState.PENDING,
    session_hash=SESSION,
    request=a_request(),
    client=CLIENT,
    expires_at=START + 600,
)


@pytest.mark.requirement("C-14")
@pytest.mark.parametrize("answer", Answer)
def test_the_session_that_was_asked_may_answer(answer: Answer) -> None:
    decision = decide_answer(PENDING, answer, session_hash=SESSION, now=START + 599)
    state = after(QuestionState.PENDING, answer)
    assert state is not None
    assert decision == replace(PENDING, state=state)


@pytest.mark.requirement("C-15", "M-11")
@pytest.mark.parametrize("second", Answer)
@pytest.mark.parametrize("first", Answer)
def test_the_first_answer_counts(first: Answer, second: Answer) -> None:
    done = decide_answer(PENDING, first, session_hash=SESSION, now=START)
    assert isinstance(done, Consent)
    assert decide_answer(done, second, session_hash=SESSION, now=START) == Refused(
        Reason.CONSENT_ANSWERED
    )


@pytest.mark.requirement("C-14")
@pytest.mark.parametrize(
    ("consent", "session", "later"),
    [(None, SESSION, 0), (PENDING, b"t" * 32, 0), (PENDING, SESSION, 600)],
)
def test_what_is_not_open_to_the_session_is_unknown(
    consent: Consent | None, session: bytes, later: int
) -> None:
    decision = decide_answer(
        consent, Answer.APPROVE, session_hash=session, now=START + later
    )
    assert decision == Refused(Reason.CONSENT_UNKNOWN)
    assert consent is None or not is_open_to(consent, session, START + later)
