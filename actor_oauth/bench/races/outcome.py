"""What races come to: facts that are counted, and violations that must not be."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from actor_oauth.bench.histogram import Histogram
from actor_oauth.bench.races.volley import Hit
from actor_oauth.bench.target import Credentials


class Violation(StrEnum):
    """What no server may do, however requests meet."""

    STALE_ACCEPT = "accepted after an answered revocation"
    LOST_GRANT = "grant lost, though nobody ended it"
    FORK = "more than one living chain"
    SECOND_SUCCESSOR = "more than one successor of one token"
    DOUBLE_REDEMPTION = "redeemed more than once"
    REFUSED_IN_GRACE = "refused within the grace window"
    REPLAY_ACCEPTED = "replay accepted after the grace window"
    REPLAY_UNPUNISHED = "replay without an end of the grant"
    LOST_CLIENT = "registration lost, though nobody deleted it"
    FAULT = "no answer, or a fault of the server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What to present again once the grace window is over, as a thief would.

    Attributes:
        client: Whose grant it is.
        token: That was raced for.
        latest: The grant's living refresh token; None if there is none.
    """

    client: Credentials
    token: str
    latest: str | None


@dataclass(slots=True, kw_only=True)
class Round:
    """What one race left behind.

    Attributes:
        hits: What was sent, and answered.
        facts: Counted things that are neither right nor wrong.
        violations: Counted things that are wrong.
        replay: What is presented again later.
    """

    hits: Sequence[Hit]
    facts: Counter[str] = field(default_factory=Counter)
    violations: Counter[Violation] = field(default_factory=Counter)
    replay: Replay | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A request on the timeline: seconds from the round's first one."""

    label: str
    kind: str
    sent: float
    received: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceReport:
    """What all rounds of a race came to.

    Attributes:
        name: Of the race.
        what: Of the race, in a sentence.
        racers: How many requests met.
        jitter: Seconds over which they were spread.
        rounds: How often.
        kinds: How often each answer came, by what was asked.
        facts: Of all rounds together.
        violations: Likewise; nothing may be in here.
        latencies: Of all answers.
        timeline: Of one round.
        skipped: Why it was not run; everything else is empty then.
    """

    name: str
    what: str
    racers: int = 0
    jitter: float = 0.0
    rounds: int = 0
    kinds: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    facts: Mapping[str, int] = field(default_factory=dict)
    violations: Mapping[str, int] = field(default_factory=dict)
    latencies: Histogram = field(default_factory=Histogram)
    timeline: Sequence[Mark] = ()
    skipped: str | None = None


def summed_up(
    name: str, what: str, rounds: Sequence[Round], *, racers: int, jitter: float = 0.0
) -> RaceReport:
    """Sum up the rounds of a race."""
    kinds: dict[str, Counter[str]] = {}
    facts: Counter[str] = Counter()
    violations: Counter[str] = Counter()
    latencies = Histogram()
    for one in rounds:
        facts += one.facts
        violations += Counter({str(what): n for what, n in one.violations.items()})
        for hit in one.hits:
            kinds.setdefault(hit.label, Counter())[hit.answer.kind] += 1
            latencies.add(hit.answer.received - hit.answer.sent)
    return RaceReport(
        name=name,
        what=what,
        racers=racers,
        jitter=jitter,
        rounds=len(rounds),
        kinds=kinds,
        facts=facts,
        violations=violations,
        latencies=latencies,
        timeline=timeline_of(rounds[-1].hits) if rounds else (),
    )


def timeline_of(hits: Sequence[Hit]) -> list[Mark]:
    """Give the timeline of a round, in the order of sending."""
    origin = min((hit.answer.sent for hit in hits), default=0.0)
    marks = [
        Mark(
            label=hit.label,
            kind=hit.answer.kind,
            sent=hit.answer.sent - origin,
            received=hit.answer.received - origin,
        )
        for hit in hits
    ]
    return sorted(marks, key=lambda mark: mark.sent)


def judged_round(hits: Sequence[Hit]) -> Round:
    """Begin to judge a round: its faults are counted."""
    ran = Round(hits=hits)
    count_faults(hits, ran.violations)
    return ran


def count_faults(hits: Sequence[Hit], violations: Counter[Violation]) -> None:
    """Count answers that say nothing about a token: faults, and none at all.

    503 is no fault: it says that the server is busy, and changes nothing.
    """
    for hit in hits:
        status = hit.answer.status
        if status == 0 or (status >= 500 and status != 503):
            violations[Violation.FAULT] += 1
