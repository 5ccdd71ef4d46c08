"""A question to a user, and its state.

Consent transactions and device authorizations are both such questions.

Rule 1: a question changes state by this table or not at all.
Rule 2: the first answer counts. After it there is no other.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class QuestionState(StrEnum):
    """Where a question stands."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"


class Answer(StrEnum):
    """What a user can say."""

    APPROVE = "approve"
    DENY = "deny"


_S = QuestionState
_A = Answer

TRANSITIONS: Final[Mapping[QuestionState, Mapping[Answer, QuestionState]]] = {
    _S.PENDING: {_A.APPROVE: _S.APPROVED, _A.DENY: _S.DENIED},
    _S.APPROVED: {},
    _S.DENIED: {},
}


def after(state: QuestionState, answer: Answer) -> QuestionState | None:
    """Give the state after an answer; None if the answer does not count any more."""
    return TRANSITIONS[state].get(answer)
