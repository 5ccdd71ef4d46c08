"""Consent transactions: who may answer, and which answer counts."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.consent import (
    TRANSITIONS,
    Consent,
    ConsentAnswer,
    ConsentState,
    answered,
    decide_answer,
    is_open_to,
)
from actor_oauth.oauth.reasons import Reason, Refused
from tests.support.grants import CLIENT, START, a_request

SESSION = b"s" * 32
PENDING = Consent(
    state=ConsentState.PENDING,
    session_hash=SESSION,
    request=a_request(),
    client=CLIENT,
    expires_at=START + 600,
)


def test_every_state_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(ConsentState)


@pytest.mark.requirement("C-14")
@pytest.mark.parametrize("answer", ConsentAnswer)
def test_the_session_that_was_asked_may_answer(answer: ConsentAnswer) -> None:
    decision = decide_answer(PENDING, answer, session_hash=SESSION, now=START + 599)
    assert decision == PENDING


@pytest.mark.requirement("C-15", "M-11")
@pytest.mark.parametrize("second", ConsentAnswer)
@pytest.mark.parametrize("first", ConsentAnswer)
def test_the_first_answer_counts(first: ConsentAnswer, second: ConsentAnswer) -> None:
    done = replace(PENDING, state=answered(PENDING, first))
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
        consent, ConsentAnswer.APPROVE, session_hash=session, now=START + later
    )
    assert decision == Refused(Reason.CONSENT_UNKNOWN)
    assert consent is None or not is_open_to(consent, session, START + later)
