"""A consent transaction: one request, put to one user in one browser, answered once.

Rule 1: a transaction changes state through `decide_answer` or not at all. A double click,
a second tab and the other button find it answered, and do not yield a second code (C-15).
Rule 2: a transaction of another browser, or one that has ended, is treated as unknown.
"""

import hmac
from dataclasses import dataclass, field, replace

from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.question_lifecycle import Answer, QuestionState, after
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope


@dataclass(frozen=True, slots=True)
class BrowserBinding:
    """What ties a transaction to a browser, as it is stored.

    Attributes:
        hash: Of what that browser holds and no other.
        is_session: Whether that is a session of ours, which must then be alive.
    """

    hash: bytes = field(repr=False)
    is_session: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A transaction.

    Attributes:
        state: Where it stands.
        browser: Which one it belongs to.
        request: What was asked, as it was put to the user.
        client: Who asked, as it was shown to the user.
        granted: What the grants have that a yes will replace, and is offered again.
        auth_time: When the user had last proved who it is, in Unix seconds, or None.
        expires_at: In Unix seconds.
    """

    state: QuestionState
    browser: BrowserBinding
    request: AuthorizationRequest
    client: Client
    granted: Scope
    auth_time: int | None = None
    expires_at: int

    @property
    def offered(self) -> Scope:
        """Everything that the user may allow: what is asked, then what was granted."""
        return self.request.scope.union(self.granted)


def decide_answer(
    consent: Consent | None, answer: Answer, *, browser: BrowserBinding, now: int
) -> Consent | Refused:
    """Decide what an answer does to a transaction.

    Args:
        consent: The transaction that the handle names, or None if there is none.
        answer: What the user said.
        browser: Where it was said.
        now: The time of the turn.

    Returns:
        The transaction after the answer, if it counts.
    """
    if consent is None or not is_open_to(consent, browser, now):
        return Refused(Reason.CONSENT_UNKNOWN)
    state = after(consent.state, answer)
    if state is None:
        return Refused(Reason.CONSENT_ANSWERED)
    return replace(consent, state=state)


def is_open_to(consent: Consent, browser: BrowserBinding, now: int) -> bool:
    """Tell whether a transaction may be seen in a browser now (C-14)."""
    mine = hmac.compare_digest(consent.browser.hash, browser.hash)
    return mine and now < consent.expires_at
