"""What a driver process does: keep connections busy, each with one thing again and again."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import Final

from actor_oauth.bench.fleet import tick
from actor_oauth.bench.flow import CLIENT_METADATA, Flow
from actor_oauth.bench.histogram import Histogram
from actor_oauth.bench.http import Answer, Request
from actor_oauth.bench.loop import Loop, Script
from actor_oauth.bench.target import Grant, Target
from actor_oauth.runtime import SystemEntropy

WARM_UP: Final = 0.5
"""Seconds before anything is measured."""


class Kind(StrEnum):
    """What is done again and again."""

    REQUEST = "request"
    REFRESH = "refresh"
    CHECK = "check"
    UNGUARDED = "unguarded"
    INTROSPECT = "introspect"
    FLOW = "flow"
    REGISTER = "register"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one driver process does.

    Attributes:
        kind: Of load.
        seconds: For which it is measured.
        connections: How many, each with one request under way.
        target: The server; None for `REQUEST`.
        grants: One for each connection, where it is needed.
        request: For `REQUEST`.
        number: Of this process among the others: users are named by it.
    """

    kind: Kind
    seconds: float
    connections: int
    target: Target | None = None
    grants: Sequence[Grant] = ()
    request: Request | None = None
    number: int = 0


@dataclass(slots=True, kw_only=True)
class Result:
    """What came back.

    Attributes:
        good: Things that were done within the measured time.
        kinds: How often each answer came within it.
        latencies: Of things done, from their first request to their last answer.
        all_done: Things that were done, those of the warm-up among them.
    """

    good: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    latencies: Histogram = field(default_factory=Histogram)
    all_done: int = 0

    def add(self, other: "Result") -> None:
        """Add what another process did."""
        self.good += other.good
        self.kinds += other.kinds
        self.latencies.merge(other.latencies)
        self.all_done += other.all_done


def run_load(job: Job) -> Result:
    """Do it for as long as the job says."""
    result = Result()
    begin = monotonic() + WARM_UP
    end = begin + job.seconds

    def note(first: float, last: Answer) -> None:
        tick()
        result.all_done += 1
        if first >= begin and last.received <= end:
            result.good += last.is_good
            result.kinds[last.kind] += 1
            result.latencies.add(last.received - first)

    scripts = [_script(job, number, note) for number in range(job.connections)]
    Loop().run(scripts, until=end)
    return result


Note = Callable[[float, Answer], None]


def _script(job: Job, number: int, note: Note) -> Script:
    if job.kind is Kind.REQUEST:
        assert job.request is not None
        return _repeat(job.request, note)
    target = job.target
    assert target is not None
    if job.kind is Kind.REGISTER:
        return _register(target, note)
    if job.kind is Kind.FLOW:
        return _flows(target, job.grants[0], f"flow{job.number}-{number}", note)
    grant = job.grants[number]
    if job.kind is Kind.REFRESH:
        return _refresh(target, grant, note)
    if job.kind is Kind.UNGUARDED:
        return _repeat(target.unguarded(grant.access_token or ""), note)
    make = target.check if job.kind is Kind.CHECK else target.introspect
    return _repeat(make(grant.client, grant.access_token or ""), note)


def _repeat(request: Request, note: Note) -> Script:
    while True:
        answer = yield request
        note(answer.sent, answer)


def _refresh(target: Target, grant: Grant, note: Note) -> Script:
    """One chain of tokens; after a failure the same token is presented again."""
    token = grant.refresh_token
    while True:
        answer = yield target.refresh(grant.client, token)
        note(answer.sent, answer)
        if answer.is_good:
            token = answer.text("refresh_token") or token


def _register(target: Target, note: Note) -> Script:
    while True:
        answer = yield target.register(CLIENT_METADATA)
        note(answer.sent, answer)


def _flows(target: Target, grant: Grant, user: str, note: Note) -> Script:
    """Authorizations of one user, each with its redemption."""
    flow = Flow(target, SystemEntropy())
    while True:
        first = monotonic()
        code = yield from flow.code(grant.client, user)
        answer = yield target.redeem(code)
        note(first, answer)
