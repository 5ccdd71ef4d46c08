"""Carries out a plan: one measurement after the other, on one server after the other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final

from actor_oauth.bench.asking import BenchError
from actor_oauth.bench.chance import Chance
from actor_oauth.bench.conditions import conditions
from actor_oauth.bench.crash import run_crashes
from actor_oauth.bench.history.model import Rules, foreign_rules
from actor_oauth.bench.history.play import Mix
from actor_oauth.bench.history.run import run_histories
from actor_oauth.bench.plan import Plan, What
from actor_oauth.bench.races.ground import Course, Ground
from actor_oauth.bench.races.run import RACES, Tell, run_race
from actor_oauth.bench.report.document import Report, Section
from actor_oauth.bench.report.history import crash_section_of
from actor_oauth.bench.report.history import section_of as history_section
from actor_oauth.bench.report.races import section_of as races_section
from actor_oauth.bench.report.raw import to_plain
from actor_oauth.bench.report.scale import section_of as scale_section
from actor_oauth.bench.report.slow_disk import section_of as slow_disk_section
from actor_oauth.bench.report.throughput import section_of as throughput_section
from actor_oauth.bench.scale import run_scale
from actor_oauth.bench.served import served
from actor_oauth.bench.slow_disk import run_slow_disk
from actor_oauth.bench.throughput.run import run_throughput
from actor_oauth.oauth.json_values import Json

# While it starts again no window of a killed server shall end: replays are not its topic.
_CRASH_GRACE: Final = 60.0
_CRASH_GRANTS: Final = 8


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
        tell: Called with progress.

    Returns:
        The report, and everything that was found as JSON.

    Raises:
        BenchError: The server or the machine lacks something that the run needs.
    """
    measured = "the provider of this package"
    if plan.foreign is not None:
        measured = plan.foreign.issuer or plan.foreign.endpoints.get("token") or ""
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
    courses = [
        Course(racers=racers, jitter=jitter, grace=plan.grace)
        for racers, jitter in product(plan.racers, plan.jitters)
    ]
    for workers in plan.workers:
        with served(plan, workers, grace=plan.grace) as server:
            ground = Ground(
                target=server.target,
                source=server.source,
                fleet=server.fleet,
                chance=Chance(plan.seed),
            )
            reports = [
                run_race(name, ground, course, rounds=plan.rounds, tell=tell)
                for name, course in product(plan.races or RACES, courses)
            ]
        section = races_section(reports, server.name)
        findings.add(f"races{server.name}", section, reports)


def _rules(plan: Plan) -> Rules:
    if plan.foreign:
        return foreign_rules(plan.grace)
    # Without a window, this provider takes every second use for a thief's (D-28).
    return Rules(grace=plan.grace, overlaps_end=plan.grace == 0)


def _history(plan: Plan, findings: Findings, tell: Tell) -> None:
    mix = Mix()
    steps = plan.grants * mix.clients * (mix.steps or 0)
    for workers in plan.workers:
        with served(plan, workers, grace=plan.grace) as server:
            report = run_histories(
                server.target,
                server.source,
                server.fleet,
                grants=plan.grants,
                mix=mix,
                rules=_rules(plan),
                seed=plan.seed,
                on_ticks=lambda ticks: tell("histories", ticks, steps),
            )
        section = history_section(report, server.name)
        findings.add(f"history{server.name}", section, report)


def _crash(plan: Plan, findings: Findings, tell: Tell) -> None:
    if not plan.foreign:
        plan = replace(plan, grace=_CRASH_GRACE)
    for workers in plan.workers:
        with served(plan, workers, grace=plan.grace) as server:
            if server.process is None:
                raise BenchError("killing a server takes --server-command to start it")
            report = run_crashes(
                server.process,
                server.target,
                server.source,
                server.fleet,
                kills=plan.kills,
                grants=_CRASH_GRANTS,
                mix=Mix(
                    steps=None,
                    revokes=False,
                    # Where it ends the grant, nothing would be left to lose.
                    older_tokens=0.15 if plan.grace else 0.0,
                    cuts_are_final=True,
                ),
                rules=_rules(plan),
                seed=plan.seed,
                on_kill=lambda kills: tell("kills", kills, plan.kills),
            )
        section = crash_section_of(report, server.name)
        findings.add(f"crash{server.name}", section, report)


def _throughput(plan: Plan, findings: Findings, tell: Tell) -> None:
    report = run_throughput(plan, tell)
    findings.add("throughput", throughput_section(report), report)


def _slow_disk(plan: Plan, findings: Findings, tell: Tell) -> None:
    figures = run_slow_disk(plan, tell)
    findings.add("slow disk", slow_disk_section(figures), figures)


def _scale(plan: Plan, findings: Findings, tell: Tell) -> None:
    report = run_scale(plan, tell)
    findings.add("scale", scale_section(report), report)


_MEASUREMENTS: Final[Mapping[What, Callable[[Plan, Findings, Tell], None]]] = {
    What.RACES: _races,
    What.HISTORY: _history,
    What.CRASH: _crash,
    What.THROUGHPUT: _throughput,
    What.SLOW_DISK: _slow_disk,
    What.SCALE: _scale,
}
