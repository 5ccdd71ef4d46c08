"""A consent transaction: one request, put to one user in one session, answered once.

Rule 1: a transaction changes state through `decide_answer` or not at all.
Rule 2: the first answer counts. A double click, a second tab and the other button find
the transaction answered, and do not yield a second code (C-15).
Rule 3: whatever is not this session's, or is over, is as if it never was.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.reasons import Reason, Refused


class ConsentState(StrEnum):
    """Where a transaction stands."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"


class ConsentAnswer(StrEnum):
    """What a user can say."""

    APPROVE = "approve"
    DENY = "deny"


_S = ConsentState
_A = ConsentAnswer

TRANSITIONS: Final[Mapping[ConsentState, Mapping[ConsentAnswer, ConsentState]]] = {
    _S.PENDING: {_A.APPROVE: _S.APPROVED, _A.DENY: _S.DENIED},
    _S.APPROVED: {},
    _S.DENIED: {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A transaction.

    Attributes:
        state: Where it stands.
        session_hash: Of the session that it belongs to.
        request: What was asked, as it was put to the user.
        client: Who asked, as it was shown to the user.
        expires_at: In Unix seconds.
    """

    state: ConsentState
    session_hash: bytes = field(repr=False)
    request: AuthorizationRequest
    client: Client
    expires_at: int


def decide_answer(
    consent: Consent | None, answer: ConsentAnswer, *, session_hash: bytes, now: int
) -> Consent | Refused:
    """Decide what an answer does to a transaction.

    Args:
        consent: The transaction that the handle names, or None if there is none.
        answer: What the user said.
        session_hash: Of the session that says it.
        now: The time of the turn.

    Returns:
        The transaction as it was put, if the answer counts.
    """
    if consent is None or not is_open_to(consent, session_hash, now):
        return Refused(Reason.CONSENT_UNKNOWN)
    if answer not in TRANSITIONS[consent.state]:
        return Refused(Reason.CONSENT_ANSWERED)
    return consent


def is_open_to(consent: Consent, session_hash: bytes, now: int) -> bool:
    """Tell whether a transaction may be seen by a session now (C-14)."""
    mine = hmac.compare_digest(consent.session_hash, session_hash)
    return mine and now < consent.expires_at


def answered(consent: Consent, answer: ConsentAnswer) -> ConsentState:
    """Give the state after an answer that counts."""
    return TRANSITIONS[consent.state][answer]
