"""What a history is made of: requests about one grant, their answers, and both's times."""

from dataclasses import dataclass
from math import inf
from typing import Final, TypeAlias

from actor_oauth.bench.http import Answer

NEVER: Final = inf
"""When a request ended that was never answered: it may still take effect."""


@dataclass(frozen=True, slots=True)
class Given:
    """The answer to a token request that succeeded."""

    refresh: str
    access: str


@dataclass(frozen=True, slots=True)
class Done:
    """A revocation was answered; a check found the token good."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The token, or the grant, was reported as invalid."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer, or a fault: it took effect, or did not, or will."""


Outcome: TypeAlias = Given | Done | Refused | Unknown


@dataclass(frozen=True, slots=True)
class Redeem:
    """The grant's code is presented."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh token is presented."""

    token: str


@dataclass(frozen=True, slots=True)
class Check:
    """An access token is used."""

    token: str


@dataclass(frozen=True, slots=True)
class Revoke:
    """A refresh token is revoked, and with it the grant."""

    token: str


Operation: TypeAlias = Redeem | Refresh | Check | Revoke


@dataclass(frozen=True, slots=True)
class Event:
    """A request about a grant.

    Attributes:
        operation: What was asked.
        outcome: What was answered.
        start: When it was sent, in seconds.
        end: When it was answered, or could no longer take effect; else `NEVER`.
    """

    operation: Operation
    outcome: Outcome
    start: float
    end: float

    @property
    def is_optional(self) -> bool:
        """Whether it may never have taken effect."""
        return isinstance(self.outcome, Unknown)


def was_put_off(answer: Answer) -> bool:
    """Tell whether a server was too busy to do anything with a request."""
    return answer.status in (429, 503)


def outcome_of(answer: Answer) -> Outcome:
    """Read the answer of a token or revocation request."""
    if answer.is_good:
        refresh, access = answer.text("refresh_token"), answer.text("access_token")
        return Given(refresh, access) if refresh else Done()
    return Refused() if 400 <= answer.status < 500 else Unknown()


def event_of(
    operation: Operation, outcome: Outcome, answer: Answer, *, is_final: bool = False
) -> Event:
    """Record a request with what came back.

    Args:
        operation: What was asked.
        outcome: What was answered.
        answer: As it came.
        is_final: Whether, if it was not answered, it has no effect later on.
    """
    is_open = isinstance(outcome, Unknown) and not is_final
    end = NEVER if is_open else answer.received
    return Event(operation, outcome, answer.sent, end)
