"""Carries out a plan: one server after the other, one measurement after the other."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from actor_oauth.bench.asking import BenchError
from actor_oauth.bench.chance import Chance
from actor_oauth.bench.conditions import conditions
from actor_oauth.bench.fleet import Fleet, open_fleet
from actor_oauth.bench.flow import Flow
from actor_oauth.bench.own_server import own_server
from actor_oauth.bench.plan import Foreign, Plan, What, divide_cores
from actor_oauth.bench.races.ground import Course, Ground
from actor_oauth.bench.races.run import RACES, Tell, run_race
from actor_oauth.bench.report.document import Report, Section
from actor_oauth.bench.report.races import section_of as races_section
from actor_oauth.bench.report.raw import to_plain
from actor_oauth.bench.source import CommandSource, FlowSource, Source, file_source
from actor_oauth.bench.target import Endpoints, Target, discover, overridden
from actor_oauth.oauth.json_values import Json
from actor_oauth.runtime import SystemEntropy


@dataclass(slots=True)
class Findings:
    """What was found so far.

    Attributes:
        sections: For people.
        raw: For programs, by measurement.
    """

    sections: list[Section] = field(default_factory=list)
    raw: dict[str, Json] = field(default_factory=dict)

    def add(self, name: str, section: Section, raw: object) -> None:
        """Take in what a measurement found."""
        self.sections.append(section)
        self.raw[name] = to_plain(raw)


def run_plan(plan: Plan, tell: Tell) -> tuple[Report, dict[str, Json]]:
    """Carry out a plan.

    Args:
        plan: What to do.
        tell: Told of progress.

    Returns:
        The report, and everything that was found as JSON.

    Raises:
        BenchError: The server, or the machine, does not give what the run needs.
    """
    measured = "the provider of this package"
    if plan.foreign is not None:
        measured = plan.foreign.issuer or plan.foreign.endpoints["token"] or ""
    told = conditions(measured)
    findings = Findings()
    for what in plan.what:
        _MEASUREMENTS[what](plan, findings, tell)
    report = Report(
        title="actor-oauth bench", conditions=told, sections=findings.sections
    )
    raw: dict[str, Json] = {
        "conditions": to_plain(told),
        "problems": to_plain(report.problems),
        **findings.raw,
    }
    return report, raw


def _races(plan: Plan, findings: Findings, tell: Tell) -> None:
    course = Course(racers=plan.racers, jitter=plan.jitter, grace=plan.grace)
    for workers, ground in _grounds(plan):
        reports = [
            run_race(name, ground, course, rounds=plan.rounds, tell=tell)
            for name in plan.races or RACES
        ]
        findings.add(f"races{workers}", races_section(reports, workers), reports)


def _grounds(plan: Plan) -> Iterator[tuple[str, Ground]]:
    """Give each server in turn, and what tells it from the others."""
    if plan.foreign is not None:
        target = foreign_target(plan.foreign)
        source = foreign_source(plan.foreign, target)
        with open_fleet() as fleet:
            yield "", _ground(plan, target, source, fleet)
        return
    for workers in plan.workers:
        cores = divide_cores(workers)
        with (
            open_fleet(cores=cores.drivers) as fleet,
            own_server(
                workers=workers,
                cores=cores.server,
                refresh_grace_seconds=int(plan.grace),
            ) as server,
        ):
            target = server.target()
            told = f", {workers} worker processes" if workers > 1 else ""
            yield told, _ground(plan, target, server.source(target), fleet)


def _ground(plan: Plan, target: Target, source: Source, fleet: Fleet) -> Ground:
    return Ground(target=target, source=source, fleet=fleet, chance=Chance(plan.seed))


_MEASUREMENTS: Final[Mapping[What, Callable[[Plan, Findings, Tell], None]]] = {
    What.RACES: _races,
}


def foreign_target(foreign: Foreign) -> Target:
    """Give the server that runs already.

    Raises:
        BenchError: Its endpoints are not known.
    """
    token = foreign.endpoints.get("token")
    if foreign.issuer is not None:
        found = discover(foreign.issuer)
    elif token is not None:
        found = Endpoints(token=token)
    else:
        raise BenchError("give --url, or at least --token-endpoint")
    return Target(overridden(found, foreign.endpoints), checker=foreign.checker)


def foreign_source(foreign: Foreign, target: Target) -> Source:
    """Give the place where its tokens come from.

    Raises:
        BenchError: The file of tokens cannot be used.
    """
    if foreign.tokens is not None:
        return file_source(foreign.tokens, foreign.client)
    if foreign.token_command is not None:
        return CommandSource(foreign.token_command, foreign.client)
    return FlowSource(Flow(target, SystemEntropy()), many_users=False)
