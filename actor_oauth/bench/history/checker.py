"""Looks for an order of a history's requests that a model allows.

The search of Wing and Gong (1993), with Lowe's memory (2017): at every point, any
request that began before all remaining ones had ended may be next; a set of completed
requests, together with the state they led to, is examined once.

Two things keep it short. A request that leaves the state as it is, and may come next, is
taken at once: whatever order exists, one with it here exists too, unless it would come too
late then for one that was never answered. And such a one is only tried where it changes
something.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from actor_oauth.bench.history.events import NEVER, Event

StateT = TypeVar("StateT")
Step = Callable[[StateT, Event], Sequence[StateT]]

MAX_LOOKS: Final = 200_000
"""Combinations of requests and state that are examined before the search gives up."""


@dataclass(frozen=True, slots=True)
class Explained:
    """There is an order.

    Attributes:
        looks: How many combinations were examined.
    """

    looks: int


@dataclass(frozen=True, slots=True)
class Unexplained:
    """There is none.

    Attributes:
        looks: How many combinations were examined.
    """

    looks: int


@dataclass(frozen=True, slots=True)
class Undecided:
    """The search was given up."""

    looks: int


def check(
    events: Sequence[Event], initial: StateT, step: Step[StateT]
) -> Explained | Unexplained | Undecided:
    """Look for an order.

    Args:
        events: Of one object, in any order.
        initial: Its state before them.
        step: Gives every state that an event may lead to; none if it cannot happen.
    """
    search = _Search(sorted(events, key=_start), step)
    stack = [(0, initial)]
    while stack:
        done, state = search.take_reads(*stack.pop())
        if search.is_complete(done):
            return Explained(search.looks)
        if search.is_new(done, state):
            if search.looks > MAX_LOOKS:
                return Undecided(search.looks)
            stack += search.branches(done, state)
    return Unexplained(search.looks)


class _Search(Generic[StateT]):
    """What has been examined: completed requests, as bits of a number, and the state."""

    def __init__(self, ordered: Sequence[Event], step: Step[StateT]) -> None:
        self._ordered = ordered
        self._step = step
        self._required = sum(
            1 << number for number, event in enumerate(ordered) if not event.is_optional
        )
        self._seen: set[tuple[int, StateT]] = set()

    @property
    def looks(self) -> int:
        return len(self._seen)

    def is_complete(self, done: int) -> bool:
        return done & self._required == self._required

    def is_new(self, done: int, state: StateT) -> bool:
        if (done, state) in self._seen:
            return False
        self._seen.add((done, state))
        return True

    def branches(self, done: int, state: StateT) -> list[tuple[int, StateT]]:
        """What may come next; last what began first, for a stack to try that first."""
        return [
            (done | 1 << number, led_to)
            for number in reversed(self._next(done))
            for led_to in self._step(state, self._ordered[number])
            if led_to != state or not self._ordered[number].is_optional
        ]

    def take_reads(self, done: int, state: StateT) -> tuple[int, StateT]:
        """Do whatever may be next and can only leave the state as it is."""
        taken = True
        while taken:
            following = self._next(done)
            last_call = min(map(self._last_call, following), default=NEVER)
            reads = [n for n in following if self._reads(n, state, last_call)]
            taken = bool(reads)
            done |= sum(1 << number for number in reads)
        return done, state

    def _last_call(self, number: int) -> float:
        """When it is too late for a request that need not happen."""
        event = self._ordered[number]
        return event.end if event.is_optional else NEVER

    def _reads(self, number: int, state: StateT, last_call: float) -> bool:
        event = self._ordered[number]
        if event.is_optional or event.start > last_call:
            return False
        led_to = self._step(state, event)
        return len(led_to) == 1 and led_to[0] == state

    def _next(self, done: int) -> list[int]:
        """The requests that may be next: begun before any remaining one had ended.

        One without an answer need not happen, so nobody has to wait for it; and it is
        too late for it once something that began after its end is done.
        """
        found: list[int] = []
        horizon = float("inf")
        reached = self._ordered[done.bit_length() - 1].start if done else 0.0
        lowest = (~done & (done + 1)).bit_length() - 1
        for number in range(lowest, len(self._ordered)):
            event = self._ordered[number]
            if event.start > horizon:
                break
            if done >> number & 1 or event.end < reached:
                continue
            found.append(number)
            if not event.is_optional:
                horizon = min(horizon, event.end)
        return [one for one in found if self._ordered[one].start <= horizon]


def _start(event: Event) -> float:
    return event.start
