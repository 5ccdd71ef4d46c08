"""The life cycle of a connection to another service.

Rule 1: a connection changes state through `advance` or not at all.
Rule 2: a refresh that begins is written down before anything is sent, and so is how many
were sent without an answer being known: a crash in between looks like a lost answer.
Rule 3: what a refresh brings is stored if nothing newer is: the same authorization, the
same generation. Who had the claim does not matter, since an answer that comes late may
hold the only refresh token that is still good (I-27, I-32).
Rule 4: only a definite answer ends a connection (I-31).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

LEAD: Final = 300
"""Seconds before its end in which a token is replaced (I-26)."""

FIRST_PAUSE: Final = 15
LONGEST_PAUSE: Final = 3600
"""Seconds between refreshes that fail for a passing reason."""

PUBLIC_FOR: Final = 86_400
"""Seconds for which a resource counts as public without being asked again (I-02)."""

_SHORT_LIFE: Final = 2 * LEAD


class CredentialState(StrEnum):
    """Where a connection stands."""

    ABSENT = "absent"
    PUBLIC = "public"
    CONNECTED = "connected"
    REFRESHING = "refreshing"
    NEEDS_AUTHORIZATION = "needs authorization"


class CredentialEvent(StrEnum):
    """What can happen to a connection."""

    FOUND_PUBLIC = "found public"
    AUTHORIZED = "authorized"
    CHALLENGED = "challenged"
    REFRESH_BEGUN = "refresh begun"
    REFRESHED = "refreshed"
    REFRESH_FAILED = "refresh failed"
    GRANT_REJECTED = "grant rejected"
    EXPIRED = "expired"
    REMOVED = "removed"


_S = CredentialState
_E = CredentialEvent

TRANSITIONS: Final[
    Mapping[CredentialState, Mapping[CredentialEvent, CredentialState]]
] = {
    _S.ABSENT: {_E.FOUND_PUBLIC: _S.PUBLIC, _E.AUTHORIZED: _S.CONNECTED},
    _S.PUBLIC: {
        _E.FOUND_PUBLIC: _S.PUBLIC,
        _E.CHALLENGED: _S.NEEDS_AUTHORIZATION,
        _E.AUTHORIZED: _S.CONNECTED,
        _E.REMOVED: _S.ABSENT,
    },
    _S.CONNECTED: {
        _E.AUTHORIZED: _S.CONNECTED,
        _E.REFRESH_BEGUN: _S.REFRESHING,
        # An answer that came after its claim had lapsed.
        _E.REFRESHED: _S.CONNECTED,
        _E.CHALLENGED: _S.NEEDS_AUTHORIZATION,
        _E.EXPIRED: _S.NEEDS_AUTHORIZATION,
        _E.REMOVED: _S.ABSENT,
    },
    _S.REFRESHING: {
        _E.AUTHORIZED: _S.CONNECTED,
        # The refresh that had begun did not finish in its time.
        _E.REFRESH_BEGUN: _S.REFRESHING,
        _E.REFRESHED: _S.CONNECTED,
        _E.REFRESH_FAILED: _S.CONNECTED,
        _E.GRANT_REJECTED: _S.NEEDS_AUTHORIZATION,
        _E.REMOVED: _S.ABSENT,
    },
    _S.NEEDS_AUTHORIZATION: {
        _E.AUTHORIZED: _S.CONNECTED,
        # A caller was refused with a token that another one had just replaced.
        _E.REFRESHED: _S.CONNECTED,
        _E.REMOVED: _S.ABSENT,
    },
}


def advance(state: CredentialState, event: CredentialEvent) -> CredentialState | None:
    """Give the state after the event, or None if it means nothing in this state."""
    return TRANSITIONS[state].get(event)


class Use(StrEnum):
    """What to do with a connection when its token is wanted."""

    NOTHING = "nothing"
    PROBE = "probe"
    PRESENT = "present"
    REFRESH = "refresh"
    WAIT = "wait"
    AUTHORIZE = "authorize"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What the rules need to know of a connection.

    Attributes:
        state: Where it stands.
        epoch: Counts authorizations: work begun under an earlier one is void.
        generation: Counts refreshes since.
        obtained_at: When the access token came, in Unix seconds.
        expires_at: When it ends; None if that is not known. Of a public resource, until
            when it counts as one.
        can_refresh: Whether there is a refresh token.
        claim: Of the refresh under way, or None.
        claimed_until: When that claim lapses.
        unanswered: Requests with the present refresh token whose answer is not known.
        failures: Refreshes in a row that failed for a passing reason.
        retry_at: Not before this time is the other server asked again.
    """

    state: CredentialState
    epoch: int
    generation: int
    obtained_at: int = 0
    expires_at: int | None = None
    can_refresh: bool = False
    claim: bytes | None = field(default=None, repr=False)
    claimed_until: int = 0
    unanswered: int = 0
    failures: int = 0
    retry_at: int = 0

    @property
    def is_usable(self) -> bool:
        """Whether there is a token to speak of."""
        return self.state in (_S.CONNECTED, _S.REFRESHING)

    def is_alive(self, now: int) -> bool:
        """Tell whether the access token has not ended, as far as is known."""
        return self.is_usable and (self.expires_at is None or now < self.expires_at)

    @property
    def due_at(self) -> int | None:
        """When to replace the access token; None if only a refusal can tell (I-26)."""
        if self.expires_at is None:
            return None
        life = self.expires_at - self.obtained_at
        return self.expires_at - (LEAD if life >= _SHORT_LIFE else (life + 1) // 2)


def decide_use(credential: Credential, *, now: int, forced: bool = False) -> Use:
    """Decide what to do with a connection when its token is wanted.

    Args:
        credential: As it stands.
        now: The time, in Unix seconds.
        forced: Whether a new token is wanted, though this one seems good.
    """
    if credential.state is _S.PUBLIC:
        is_known = credential.expires_at is not None and now < credential.expires_at
        return Use.NOTHING if is_known else Use.PROBE
    if not credential.is_usable:
        return Use.AUTHORIZE
    due_at = credential.due_at
    if not forced and (due_at is None or now < due_at):
        return Use.PRESENT
    alive = credential.is_alive(now)
    if not credential.can_refresh:
        return Use.PRESENT if alive else Use.AUTHORIZE
    if now >= credential.retry_at:
        return Use.REFRESH
    return Use.PRESENT if alive else Use.WAIT


def may_claim(credential: Credential, *, now: int) -> bool:
    """Tell whether a refresh may begin: no other one is running."""
    under_way = credential.state is _S.REFRESHING and credential.claim is not None
    return not under_way or now >= credential.claimed_until


def pause_after(failures: int, retry_after: int | None) -> int:
    """Give the seconds to wait after failures in a row (I-31).

    Args:
        failures: At least one.
        retry_after: What the other server wants, which may be more, not less.
    """
    pause = min(FIRST_PAUSE << min(failures - 1, 20), LONGEST_PAUSE)
    return max(pause, min(retry_after or 0, LONGEST_PAUSE))
