"""Measures one peer: races, histories, then throughput."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from actor_oauth.bench.asking import BenchError
from actor_oauth.bench.chance import Chance
from actor_oauth.bench.history.judge import HistoryReport
from actor_oauth.bench.history.model import Rules, foreign_rules
from actor_oauth.bench.history.play import Mix
from actor_oauth.bench.history.run import run_histories
from actor_oauth.bench.plan import Plan, What
from actor_oauth.bench.races.ground import Course, Ground
from actor_oauth.bench.races.outcome import RaceReport
from actor_oauth.bench.races.run import Tell, run_race
from actor_oauth.bench.served import Served, served
from actor_oauth.bench.throughput.run import (
    CHECK,
    REFRESH,
    Figure,
    ThroughputReport,
    measure_server,
)
from benchmarks.peers.catalogue import Peer, Stage

RACES: Final = ("refresh-refresh", "refresh-revoke", "code-code")
# Under load no window of this package's provider shall end.
_LOAD_GRACE: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is done with each peer.

    Attributes:
        racers: Requests that meet in a race.
        rounds: Of each race.
        grants: Whose histories are checked.
        seconds: Of each measurement of throughput.
        connections: That are kept busy then.
    """

    racers: int
    rounds: int
    grants: int
    seconds: float
    connections: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found of one peer.

    Attributes:
        peer: Which.
        races: What each race came to, by its name.
        history: What the checker said.
        figures: Of throughput.
    """

    peer: Peer
    races: Mapping[str, RaceReport]
    history: HistoryReport
    figures: Sequence[Figure]

    def figure(self, name: str) -> Figure | None:
        """Give the figure of what was done under this name."""
        return next((one for one in self.figures if one.name == name), None)

    @property
    def problems(self) -> list[str]:
        """What the instrument calls wrong."""
        wrong = [
            f"{race.name}: {what} ({count} times in {race.rounds} rounds)"
            for race in self.races.values()
            for what, count in race.violations.items()
        ]
        wrong += [
            f"histories: {what} ({count} of {self.history.grants} grants)"
            for what, count in self.history.anomalies.items()
        ]
        return wrong


def measure(peer: Peer, effort: Effort, tell: Tell) -> Finding:
    """Do all that is done with a peer.

    Args:
        peer: Which.
        effort: How much.
        tell: Told of progress.

    Raises:
        BenchError: It cannot be set up, or does not come up.
    """

    def told(what: str, done: int = 0, total: int = 1) -> None:
        tell(f"{peer.name}: {what}", done, total)

    told("starting")
    with _running(peer, effort, peer.grace, told) as server:
        races = {name: _race(name, peer, server, effort, told) for name in RACES}
        history = _histories(peer, server, effort, told)
    report = ThroughputReport(seconds=effort.seconds)
    # Anew: what the races left behind shall not be in the way.
    with _running(peer, effort, _LOAD_GRACE, told) as server:
        kinds = (REFRESH, CHECK)
        measure_server(_plan(effort), server, 1, report, told, kinds=kinds)
    return Finding(peer=peer, races=races, history=history, figures=report.figures)


def _plan(effort: Effort) -> Plan:
    return Plan(
        what=[What.THROUGHPUT],
        seconds=effort.seconds,
        connections=[effort.connections],
    )


@contextmanager
def _running(peer: Peer, effort: Effort, grace: float, tell: Tell) -> Iterator[Served]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        stage = Stage(Path(folder), stack, lambda what: tell(what, 0, 1))
        foreign = None if peer.start is None else peer.start(stage)
        plan = replace(_plan(effort), foreign=foreign)
        with served(plan, 1, grace=grace) as server:
            own = server.groups
            yield replace(server, groups=lambda: [*own(), *stage.groups()])


def _race(
    name: str, peer: Peer, server: Served, effort: Effort, tell: Tell
) -> RaceReport:
    ground = Ground(
        target=server.target,
        source=server.source,
        fleet=server.fleet,
        chance=Chance(1),
    )
    course = Course(racers=effort.racers, grace=peer.grace)
    return run_race(name, ground, course, rounds=effort.rounds, tell=tell)


def _histories(peer: Peer, server: Served, effort: Effort, tell: Tell) -> HistoryReport:
    is_own = peer.start is None
    mix = Mix(revokes=server.target.endpoints.revocation is not None)
    steps = effort.grants * mix.clients * (mix.steps or 0)
    return run_histories(
        server.target,
        server.source,
        server.fleet,
        grants=effort.grants,
        mix=mix,
        rules=Rules(grace=peer.grace) if is_own else foreign_rules(peer.grace),
        seed=1,
        on_ticks=lambda ticks: tell("histories", ticks, steps),
    )


def try_to_measure(peer: Peer, effort: Effort, tell: Tell) -> Finding | str:
    """Do it, or say why it cannot be done here."""
    try:
        return measure(peer, effort, tell)
    except BenchError as error:
        return str(error)
