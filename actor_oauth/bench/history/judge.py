"""Checks what was played, grant by grant, and sums up."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from actor_oauth.bench.histogram import Histogram
from actor_oauth.bench.history.checker import Undecided, Unexplained, check
from actor_oauth.bench.history.events import NEVER, Event, Given, Unknown
from actor_oauth.bench.history.model import Rules, State, explain, step
from actor_oauth.bench.history.play import Play


@dataclass(frozen=True, slots=True)
class Shown:
    """A request of a history, for people; times in seconds from the first.

    Attributes:
        what: Was asked, with a number in the place of a token.
        outcome: That it had.
        begin: When it was sent.
        end: When it was answered; the history's end if it was not.
    """

    what: str
    outcome: str
    begin: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Offence:
    """A history that nothing explains.

    Attributes:
        anomaly: What is wrong.
        culprit: The request whose answer made it so.
        history: All that happened to the grant.
    """

    anomaly: str
    culprit: Shown
    history: Sequence[Shown]


@dataclass(slots=True, kw_only=True)
class HistoryReport:
    """What the histories of a run came to.

    Attributes:
        grants: Histories that were checked.
        events: Requests in them.
        unanswered: Of these, without an answer.
        overlapping: Of these, begun before the one before had ended.
        put_off: Requests that the server was too busy for; in no history.
        rotations: Distinct tokens that were given out.
        outcomes: By what was asked, how often each outcome came.
        looks: How many combinations the checker examined in all.
        undecided: Histories that it gave up on.
        anomalies: How often each was found.
        offences: For each anomaly the shortest history.
        latencies: Of all answers.
    """

    grants: int = 0
    events: int = 0
    unanswered: int = 0
    overlapping: int = 0
    put_off: int = 0
    rotations: int = 0
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    looks: int = 0
    undecided: int = 0
    anomalies: Counter[str] = field(default_factory=Counter)
    offences: dict[str, Offence] = field(default_factory=dict)
    latencies: Histogram = field(default_factory=Histogram)

    def add(self, initial: State, play: Play, rules: Rules) -> None:
        """Check a grant's history, and count it.

        Args:
            initial: The state that it began in.
            play: What happened.
            rules: What the server promises.
        """
        self._count(play)
        verdict = check(play.events, initial, partial(step, rules=rules))
        self.looks += verdict.looks
        if isinstance(verdict, Undecided):
            self.undecided += 1
        elif isinstance(verdict, Unexplained):
            history = shortest(play.events, initial, rules)
            culprit = max((one for one in history if one.end != NEVER), key=_end)
            anomaly = explain(history, culprit, rules)
            self.anomalies[anomaly] += 1
            offence = _offence(anomaly, culprit, history)
            known = self.offences.get(anomaly)
            if known is None or len(history) < len(known.history):
                self.offences[anomaly] = offence

    def _count(self, play: Play) -> None:
        self.grants += 1
        self.events += len(play.events)
        self.put_off += play.put_off
        latest = -NEVER
        rotations = set()
        for event in sorted(play.events, key=_start):
            self.overlapping += event.start < latest
            latest = max(latest, event.start if event.is_optional else event.end)
            kind = type(event.outcome).__name__.lower()
            asked = type(event.operation).__name__.lower()
            self.outcomes.setdefault(asked, Counter())[kind] += 1
            if event.is_optional:
                self.unanswered += 1
            else:
                self.latencies.add(event.end - event.start)
            if isinstance(event.outcome, Given):
                rotations.add(event.outcome.refresh)
        self.rotations += len(rotations)


def shortest(events: Sequence[Event], initial: State, rules: Rules) -> Sequence[Event]:
    """Give the beginning of a history up to where it first cannot be explained.

    What cannot be explained by a prefix can never be explained later, so half of the
    rest is examined each time.

    Args:
        events: Of the whole history, which cannot.
        initial: The state before it.
        rules: What the server promises.
    """
    ends = sorted(event.end for event in events if event.end != NEVER)
    low, high = 0, len(ends) - 1
    while low < high:
        middle = (low + high) // 2
        part = _until(events, ends[middle])
        if isinstance(check(part, initial, partial(step, rules=rules)), Unexplained):
            high = middle
        else:
            low = middle + 1
    return _until(events, ends[high])


def _until(events: Sequence[Event], time: float) -> list[Event]:
    """What an observer had seen at a time: later answers were still to come."""
    return [
        event if event.end <= time else replace(event, outcome=Unknown(), end=NEVER)
        for event in events
        if event.start <= time
    ]


def _start(event: Event) -> float:
    return event.start


def _end(event: Event) -> float:
    return event.end


def _offence(anomaly: str, culprit: Event, events: Sequence[Event]) -> Offence:
    ordered = sorted(events, key=_start)
    origin = ordered[0].start
    last = max(one.start if one.end == NEVER else one.end for one in ordered)
    numbers: dict[str, int] = {}

    def shown(event: Event) -> Shown:
        end = last if event.end == NEVER else event.end
        return Shown(
            what=_asked(event, numbers),
            outcome=_answered(event, numbers),
            begin=event.start - origin,
            end=end - origin,
        )

    history = [shown(event) for event in ordered]
    return Offence(anomaly=anomaly, culprit=shown(culprit), history=history)


def _asked(event: Event, numbers: dict[str, int]) -> str:
    token: str | None = getattr(event.operation, "token", None)
    asked = type(event.operation).__name__.lower()
    return asked if token is None else f"{asked} {_number(token, numbers)}"


def _answered(event: Event, numbers: dict[str, int]) -> str:
    if isinstance(event.outcome, Given):
        return f"given {_number(event.outcome.refresh, numbers)}"
    return type(event.outcome).__name__.lower()


def _number(token: str, numbers: dict[str, int]) -> str:
    """Tokens are secrets, and long: people are shown numbers."""
    return f"#{numbers.setdefault(token, len(numbers) + 1)}"
