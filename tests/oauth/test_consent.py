"""Consent transactions: who may answer, and which answer counts."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.consent import (
    BrowserBinding,
    Consent,
    decide_answer,
    is_open_to,
)
from actor_oauth.oauth.question_lifecycle import Answer, QuestionState, after
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope
from tests.support.grants import CLIENT, START, a_request

BROWSER = BrowserBinding(b"s" * 32, is_session=True)
ANOTHER = BrowserBinding(b"t" * 32, is_session=True)
PENDING = Consent(
    state=QuestionState.PENDING,
    browser=BROWSER,
    request=a_request(),
    client=CLIENT,
    granted=Scope(),
    expires_at=START + 600,
)


@pytest.mark.requirement("C-14")
@pytest.mark.parametrize("answer", Answer)
def test_the_browser_that_was_asked_may_answer(answer: Answer) -> None:
    decision = decide_answer(PENDING, answer, browser=BROWSER, now=START + 599)
    state = after(QuestionState.PENDING, answer)
    assert state is not None
    assert decision == replace(PENDING, state=state)


@pytest.mark.requirement("C-15", "M-11")
@pytest.mark.parametrize("second", Answer)
@pytest.mark.parametrize("first", Answer)
def test_the_first_answer_counts(first: Answer, second: Answer) -> None:
    done = decide_answer(PENDING, first, browser=BROWSER, now=START)
    assert isinstance(done, Consent)
    assert decide_answer(done, second, browser=BROWSER, now=START) == Refused(
        Reason.CONSENT_ANSWERED
    )


@pytest.mark.requirement("C-14")
@pytest.mark.parametrize(
    ("consent", "browser", "later"),
    [(None, BROWSER, 0), (PENDING, ANOTHER, 0), (PENDING, BROWSER, 600)],
)
def test_what_is_not_open_to_the_browser_is_unknown(
    consent: Consent | None, browser: BrowserBinding, later: int
) -> None:
    decision = decide_answer(
        consent, Answer.APPROVE, browser=browser, now=START + later
    )
    assert decision == Refused(Reason.CONSENT_UNKNOWN)
    assert consent is None or not is_open_to(consent, browser, START + later)
