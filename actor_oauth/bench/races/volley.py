"""Many requests let go at once, or at chosen moments, each on its own connection."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

from actor_oauth.bench.fleet import tick
from actor_oauth.bench.http import Answer, Request
from actor_oauth.bench.loop import Connect, Loop, Pause, Script

# From the moment that all are connected to the first request.
_LEAD_SECONDS: Final = 0.01


@dataclass(frozen=True, slots=True)
class Shot:
    """A request of a volley.

    Attributes:
        label: What it is, in the report.
        request: What is sent.
        delay: Seconds after the volley's beginning.
    """

    label: str
    request: Request
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Hit:
    """A shot, and what came back."""

    shot: Shot
    answer: Answer

    @property
    def label(self) -> str:
        """See the shot."""
        return self.shot.label


def fire(shots: Sequence[Shot]) -> list[Hit]:
    """Connect all, and then send all, each at its moment.

    Args:
        shots: In the order in which those with the same delay are sent.

    Returns:
        One hit for each, in the same order.
    """
    hits: dict[int, Hit] = {}
    begins: list[float] = []

    def begin() -> float:
        # Asked for only once every script has had its connection.
        if not begins:
            begins.append(monotonic() + _LEAD_SECONDS)
        return begins[0]

    loop = Loop(on_answer=tick)
    loop.run(
        _shoot(number, shot, begin, hits.__setitem__)
        for number, shot in enumerate(shots)
    )
    return [hits[number] for number in range(len(shots))]


def _shoot(
    number: int,
    shot: Shot,
    begin: Callable[[], float],
    note: Callable[[int, Hit], None],
) -> Script:
    yield Connect(shot.request.origin)
    yield Pause(begin() + shot.delay)
    answer = yield shot.request
    note(number, Hit(shot, answer))
