"""Why a sign-in failed, for users and for the log.

The texts are constants. What the other service said is in `detail`, for the log only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from actor_oauth.oauth.authorization_answer import AuthorizationError


class SignInFault(StrEnum):
    """What went wrong, as a stable name for the log."""

    ATTEMPT_UNKNOWN = "attempt_unknown"
    BROWSER_WRONG = "browser_wrong"
    TOO_MANY = "too_many"
    UPSTREAM_FAILED = "upstream_failed"
    UPSTREAM_BUSY = "upstream_busy"
    DENIED = "denied"
    IDENTITY_MALFORMED = "identity_malformed"
    ID_TOKEN_MISSING = "id_token_missing"  # noqa: S105 - a word
    ID_TOKEN_INVALID = "id_token_invalid"  # noqa: S105 - a word
    NOT_ADMITTED = "not_admitted"
    ACCOUNT_UNKNOWN = "account_unknown"
    ACCOUNT_DISABLED = "account_disabled"
    LINKED_ELSEWHERE = "linked_elsewhere"
    CONSENT_MISSING = "consent_missing"
    CLIENT_CHANGED = "client_changed"

    @property
    def text(self) -> str:
        """For the person who wanted to sign in."""
        return _TEXTS[self]


_F = SignInFault

_TEXTS: Final[Mapping[SignInFault, str]] = {
    _F.ATTEMPT_UNKNOWN: "This sign-in was not begun here, took too long, or is over.",
    _F.BROWSER_WRONG: "This sign-in was begun in another browser.",
    _F.TOO_MANY: "Too many people are signing in right now.",
    _F.UPSTREAM_FAILED: "The other service did not complete the sign-in.",
    _F.UPSTREAM_BUSY: "The other service cannot be reached right now.",
    _F.DENIED: "The sign-in was cancelled at the other service.",
    _F.IDENTITY_MALFORMED: "The other service did not say who you are.",
    _F.ID_TOKEN_MISSING: "The other service did not say who you are.",
    _F.ID_TOKEN_INVALID: "What the other service says about you cannot be trusted.",
    _F.NOT_ADMITTED: "This account may not sign in here.",
    _F.ACCOUNT_UNKNOWN: "There is no account here for you yet.",
    _F.ACCOUNT_DISABLED: "This account may not sign in here.",
    _F.LINKED_ELSEWHERE: "That account is connected to somebody else here.",
    _F.CONSENT_MISSING: "This question has expired, or was asked in another browser.",
    _F.CLIENT_CHANGED: "The application has changed since you were asked.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRefused:
    """The sign-in failed.

    Attributes:
        fault: Why.
        detail: For the operator's log only.
        data: The value passed when the sign-in began; None if it is unknown.
        error: The error for the client, if there is one and the user refused.
    """

    fault: SignInFault
    detail: str = ""
    data: str | None = field(default=None, repr=False)
    error: AuthorizationError | None = None
