"""A consent transaction: one request, put to one user in one session, answered once.

Rule 1: a transaction changes state through `decide_answer` or not at all. A double click,
a second tab and the other button find it answered, and do not yield a second code (C-15).
Rule 2: whatever is not this session's, or is over, is as if it never was.
"""

import hmac
from dataclasses import dataclass, field, replace

from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.question_lifecycle import Answer, QuestionState, after
from actor_oauth.oauth.reasons import Reason, Refused


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

    state: QuestionState
    session_hash: bytes = field(repr=False)
    request: AuthorizationRequest
    client: Client
    expires_at: int


def decide_answer(
    consent: Consent | None, answer: Answer, *, session_hash: bytes, now: int
) -> Consent | Refused:
    """Decide what an answer does to a transaction.

    Args:
        consent: The transaction that the handle names, or None if there is none.
        answer: What the user said.
        session_hash: Of the session that says it.
        now: The time of the turn.

    Returns:
        The transaction after the answer, if it counts.
    """
    if consent is None or not is_open_to(consent, session_hash, now):
        return Refused(Reason.CONSENT_UNKNOWN)
    state = after(consent.state, answer)
    if state is None:
        return Refused(Reason.CONSENT_ANSWERED)
    return replace(consent, state=state)


def is_open_to(consent: Consent, session_hash: bytes, now: int) -> bool:
    """Tell whether a transaction may be seen by a session now (C-14)."""
    mine = hmac.compare_digest(consent.session_hash, session_hash)
    return mine and now < consent.expires_at
