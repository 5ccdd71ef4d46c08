"""Step-up: requesting more scopes after a request lacked one (I-36).

A user is sent to the other server again with what was asked before and what was lacking.
If the lack stays, asking again would only send the user in circles, so that each scope is
asked for a few times a day and no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from actor_oauth.oauth.scopes import Scope

MAX_STEP_UPS: Final = 3
"""Attempts for one scope (MCP authorization, "step-up")."""

REMEMBERED: Final = 86_400
"""Seconds after which attempts are counted from zero again."""

MAX_SCOPES: Final = 16
"""Scopes that attempts are counted for; beyond them the oldest is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUps:
    """Attempts to get a scope.

    Attributes:
        scope: The scope, as it was challenged.
        count: How many.
        since: When the first one was, in Unix seconds.
    """

    scope: str
    count: int
    since: int


def count_step_up(
    known: Sequence[StepUps], scope: Scope, *, now: int
) -> tuple[StepUps, ...] | None:
    """Count an attempt to get a scope.

    Returns:
        The attempts with this one; None if there were too many.
    """
    recent = [each for each in known if now < each.since + REMEMBERED]
    text = str(scope)
    earlier = next((each for each in recent if each.scope == text), None)
    if earlier is not None and earlier.count >= MAX_STEP_UPS:
        return None
    counted = StepUps(
        scope=text,
        count=1 if earlier is None else earlier.count + 1,
        since=now if earlier is None else earlier.since,
    )
    others = [each for each in recent if each.scope != text]
    return (*others, counted)[-MAX_SCOPES:]
