"""Measures throughput: servers that do nothing, and then the server in question."""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Final

from actor_oauth.bench.asking import BenchError
from actor_oauth.bench.fleet import Fleet, open_fleet
from actor_oauth.bench.histogram import Histogram
from actor_oauth.bench.http import render
from actor_oauth.bench.leash import leashed
from actor_oauth.bench.own_server import own_settings, pinned, started
from actor_oauth.bench.plan import Plan, divide_cores
from actor_oauth.bench.served import Served, served
from actor_oauth.bench.target import Grant
from actor_oauth.bench.throughput.cpu import cpu_seconds
from actor_oauth.bench.throughput.load import Job, Kind, Result, run_load

ASGI_ECHO: Final = "bare ASGI echo"
QUART_ECHO: Final = "bare Quart-Trio echo"
CEILING: Final = "the driver's ceiling"
REFRESH: Final = "refresh"
CHECK: Final = "access check"
UNGUARDED: Final = "the same without the guard"

_ECHOES: Final = {CEILING: "canned", ASGI_ECHO: "asgi", QUART_ECHO: "quart"}
_KINDS: Final = {
    REFRESH: Kind.REFRESH,
    CHECK: Kind.CHECK,
    UNGUARDED: Kind.UNGUARDED,
    "introspection": Kind.INTROSPECT,
    "code flow (authorize, redeem)": Kind.FLOW,
    "registration": Kind.REGISTER,
}
# About as long as the form of a refresh.
_BODY: Final = b"x" * 230

Tell = Callable[[str, int, int], None]


@dataclass(slots=True, kw_only=True)
class Figure:
    """The operations that were counted, over all passes.

    Attributes:
        name: Of what was done.
        workers: Processes of the server; 0 if that is not known.
        connections: Kept busy at once.
        rates: How often per second, in each pass.
        latencies: Of all passes.
        kinds: How often each answer came.
        server_cpu: Seconds that the server's processes used, over all passes.
        driver_cpu: Of each driver process, as a share of one core; the largest.
        done: Things done in that time, those of the warm-up among them.
    """

    name: str
    workers: int
    connections: int
    rates: list[float] = field(default_factory=list)
    latencies: Histogram = field(default_factory=Histogram)
    kinds: Counter[str] = field(default_factory=Counter)
    server_cpu: float = 0.0
    driver_cpu: float = 0.0
    done: int = 0

    @property
    def per_second(self) -> float:
        """How often per second, in the middle one of all passes."""
        return median(self.rates)

    @property
    def cpu_each(self) -> float:
        """Seconds of the server's CPU for each thing done."""
        return self.server_cpu / max(1, self.done)


@dataclass(slots=True, kw_only=True)
class ThroughputReport:
    """All figures.

    Attributes:
        seconds: Of each measurement.
        figures: Of everything that was done.
        commits: Of the bare SQLite loop, per second, in each pass.
        checks: In the provider's own process, per second of its CPU, in each pass.
        skipped: What the server has no endpoint for.
    """

    seconds: float
    figures: list[Figure] = field(default_factory=list)
    commits: list[float] = field(default_factory=list)
    checks: list[float] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    def figure(self, name: str, workers: int, connections: int) -> Figure:
        """Give the figure of something, a new one at first."""
        for known in self.figures:
            if (known.name, known.workers, known.connections) == (
                name,
                workers,
                connections,
            ):
                return known
        self.figures.append(Figure(name=name, workers=workers, connections=connections))
        return self.figures[-1]

    def per_second(self, name: str, workers: int, connections: int) -> float | None:
        """Give how often something was done per second, if it was measured."""
        for known in self.figures:
            if (known.name, known.workers, known.connections) == (
                name,
                workers,
                connections,
            ):
                return known.per_second
        return None


def run_throughput(plan: Plan, tell: Tell) -> ThroughputReport:
    """Measure everything, pass after pass.

    Args:
        plan: What to measure, and how long.
        tell: Called with progress.

    Raises:
        BenchError: The server did not come up, or cannot be used.
    """
    report = ThroughputReport(seconds=plan.seconds)
    for number in range(plan.passes):
        told = _Telling(tell, f"pass {number + 1} of {plan.passes}: ")
        _baselines(plan, report, told)
        for workers in plan.workers:
            drivers = _drivers(plan, workers)
            with served(plan, workers, grace=plan.grace, drivers=drivers) as server:
                measure_server(plan, server, workers, report, told)
    return report


class _Telling:
    def __init__(self, tell: Tell, prefix: str) -> None:
        self._tell = tell
        self._prefix = prefix

    def __call__(self, what: str) -> None:
        self._tell(self._prefix + what, 0, 1)


def _drivers(plan: Plan, workers: int) -> int:
    """As many as there are cores left for them, but no idle ones."""
    cores = divide_cores(workers).drivers
    return max(1, min(len(cores) or 1, *plan.connections))


def _baselines(plan: Plan, report: ThroughputReport, told: _Telling) -> None:
    cores = divide_cores(1)
    for name, kind in _ECHOES.items():
        command = [sys.executable, "-m", "actor_oauth.bench.echo", kind]
        with (
            open_fleet(1, cores.drivers) as fleet,
            started(command, cores=cores.server) as (url, program),
        ):
            for connections in plan.connections:
                told(f"{name}, {connections} connections")
                request = render("POST", f"{url}/", body=_BODY)
                job = Job(
                    kind=Kind.REQUEST,
                    seconds=plan.seconds,
                    connections=connections,
                    request=request,
                )
                figure = report.figure(name, 1, connections)
                _measure(fleet, [job], [program.process.pid], figure)
    told("commits")
    report.commits.append(_run_commits(plan.seconds, cores.server))
    if plan.foreign is None:
        told("checks in the provider's process")
        report.checks.append(_run_checks(plan.seconds, cores.server))


def _run_commits(seconds: float, cores: Sequence[int]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        module = "actor_oauth.bench.throughput.commits"
        return _number_of([module, folder, str(seconds)], cores)


def _run_checks(seconds: float, cores: Sequence[int]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        settings = own_settings(Path(folder) / "data", 8000).model_dump_json()
        module = "actor_oauth.bench.throughput.in_process"
        return _number_of([module, str(seconds)], cores, settings.encode() + b"\n")


def _number_of(
    arguments: Sequence[str], cores: Sequence[int], say: bytes = b""
) -> float:
    command = pinned([sys.executable, "-m", *arguments], cores)
    ran = subprocess.run(  # noqa: S603 - this very program
        leashed(*command), input=say, stdout=subprocess.PIPE, check=True
    )
    return float(json.loads(ran.stdout))


def measure_server(
    plan: Plan,
    server: Served,
    workers: int,
    report: ThroughputReport,
    told: Callable[[str], None],
    *,
    kinds: Collection[str] = tuple(_KINDS),
) -> None:
    """Put load on a running server, of one kind after the other.

    Args:
        plan: How much.
        server: It.
        workers: Processes that it has, if that is known.
        report: Where figures go.
        told: Called with what is being measured.
        kinds: Names of these; all if not given.
    """
    known_workers = workers if plan.foreign is None else 0
    for name in kinds:
        for connections in plan.connections:
            told(f"{name}, {connections} connections{server.name}")
            try:
                with _jobs(plan, server, _KINDS[name], connections) as jobs:
                    figure = report.figure(name, known_workers, connections)
                    _measure(server.fleet, jobs, server.groups(), figure)
            except BenchError as error:
                report.skipped[name] = str(error)
                break


@contextmanager
def _jobs(
    plan: Plan, server: Served, kind: Kind, connections: int
) -> Iterator[list[Job]]:
    """Share the connections out among the driver processes.

    Raises:
        BenchError: The server has not what it takes.
    """
    grants: Sequence[Grant] = []
    if kind is Kind.FLOW:
        grants = server.source.grants(1)
        # Fails at once where nobody approves at once.
        server.source.codes(1)
    elif kind is not Kind.REGISTER:
        grants = server.source.grants(connections)
    _try(server, kind, grants)
    drivers = min(server.fleet.drivers, connections)
    yield [
        Job(
            kind=kind,
            seconds=plan.seconds,
            connections=len(range(number, connections, drivers)),
            target=server.target,
            grants=grants if kind is Kind.FLOW else grants[number::drivers],
            number=number,
        )
        for number in range(drivers)
    ]


def _try(server: Served, kind: Kind, grants: Sequence[Grant]) -> None:
    """See that the server has the endpoint.

    Raises:
        BenchError: It has not.
    """
    target = server.target
    match kind:
        case Kind.CHECK:
            target.check(grants[0].client, "")
        case Kind.UNGUARDED:
            target.unguarded("")
        case Kind.INTROSPECT:
            target.introspect(grants[0].client, "")
        case Kind.FLOW:
            target.authorize(grants[0].client, "", user=None)
        case Kind.REGISTER:
            target.register({})
        case _:
            pass


def _measure(
    fleet: Fleet, jobs: Sequence[Job], groups: Sequence[int], figure: Figure
) -> None:
    cpu, begun = cpu_seconds(groups), monotonic()
    ran = fleet.spread(run_load, jobs)
    elapsed = monotonic() - begun
    figure.server_cpu += cpu_seconds(groups) - cpu
    total = Result()
    for one in ran:
        total.add(one.value)
    figure.rates.append(total.good / jobs[0].seconds)
    figure.latencies.merge(total.latencies)
    figure.kinds += total.kinds
    figure.done += total.all_done
    share = max(one.cpu for one in ran) / elapsed
    figure.driver_cpu = max(figure.driver_cpu, share)
