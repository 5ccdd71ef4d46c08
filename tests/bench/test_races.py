"""Races: what is judged, and that the provider of this package is found without fault."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from actor_oauth.bench.http import Answer, Origin, Request
from actor_oauth.bench.plan import Plan, What
from actor_oauth.bench.races import refreshes
from actor_oauth.bench.races.ground import Course, count_late, distinct, good
from actor_oauth.bench.races.outcome import (
    RaceReport,
    Round,
    Violation,
    count_faults,
    summed_up,
)
from actor_oauth.bench.races.run import RACES
from actor_oauth.bench.races.volley import Hit, Shot
from actor_oauth.bench.report.races import section_of
from actor_oauth.bench.run import run_plan
from tests.support.server_process import run_command

NOWHERE = Request(Origin("http", "a", 80), b"")
REFUSAL = {"error": "invalid_grant"}


def hit(
    status: int, members: dict[str, str], sent: float = 0.0, took: float = 0.1
) -> Hit:
    body = json.dumps(members).encode()
    return Hit(Shot("refresh", NOWHERE), Answer(status, b"", body, sent, sent + took))


def given(token: str, sent: float = 0.0) -> Hit:
    return hit(200, {"refresh_token": token}, sent)


def refused(sent: float = 0.0) -> Hit:
    return hit(400, REFUSAL, sent)


def judged(
    hits: Sequence[Hit], living: int, grace: float
) -> tuple[Counter[str], Counter[Violation]]:
    facts: Counter[str] = Counter()
    violations: Counter[Violation] = Counter()
    course = Course(racers=len(hits), grace=grace)
    refreshes.judge(hits, living, course, facts, violations)
    return facts, violations


def test_everybody_with_the_same_successor_is_right() -> None:
    facts, violations = judged([given("a")] * 5, living=1, grace=5)
    assert not violations
    assert facts["racers answered with tokens"] == 5
    assert facts["distinct successors"] == 1


def test_one_winner_is_right_where_no_grace_is_promised() -> None:
    hits = [given("a"), refused(), refused()]
    assert not judged(hits, living=1, grace=0)[1]
    assert judged(hits, living=1, grace=5)[1] == {Violation.REFUSED_IN_GRACE: 2}


def test_forks_and_lost_grants_are_wrong_with_every_server() -> None:
    facts, violations = judged([given("a"), given("b")], living=2, grace=0)
    assert violations == {Violation.FORK: 1, Violation.SECOND_SUCCESSOR: 1}
    assert facts["tokens given out that are dead"] == 0
    assert judged([given("a"), refused()], living=0, grace=0)[1] == {
        Violation.LOST_GRANT: 1
    }


def test_a_successor_that_is_dead_is_counted() -> None:
    facts, _ = judged([given("a"), given("b"), given("c")], living=1, grace=0)
    assert facts["tokens given out that are dead"] == 2


@pytest.mark.parametrize(
    ("hits", "wrong"),
    [
        # A window of two seconds, opened at 0.0 to 0.1: surely open until 2.0, and
        # surely over from 3.1 on.
        ([given("a"), given("a", 1.8), refused(3.2)], {}),
        ([given("a"), refused(2.5), given("a", 2.4)], {}),
        ([given("a"), refused(1.8)], {Violation.REFUSED_IN_GRACE: 1}),
        ([given("a"), given("a", 3.2)], {Violation.REPLAY_ACCEPTED: 1}),
        ([given("a"), given("b", 1.0)], {Violation.SECOND_SUCCESSOR: 1}),
        ([refused(), refused()], {Violation.LOST_GRANT: 1}),
    ],
)
def test_racers_are_judged_by_when_they_came(
    hits: list[Hit], wrong: dict[Violation, int]
) -> None:
    violations: Counter[Violation] = Counter()
    refreshes.judge_window(hits, 2.0, Counter(), violations)
    assert violations == wrong


def test_only_what_was_sent_after_the_end_was_answered_is_too_late() -> None:
    violations: Counter[Violation] = Counter()
    hits = [given("a", 0.9), given("a", 1.1), refused(1.1)]
    count_late(hits, 1.0, good, violations)
    assert violations == {Violation.STALE_ACCEPT: 1}


def test_faults_are_told_from_refusals() -> None:
    violations: Counter[Violation] = Counter()
    hits = [hit(status, {}) for status in (0, 500, 502, 503, 400, 200)]
    count_faults(hits, violations)
    assert violations == {Violation.FAULT: 3}


def test_distinct_tokens_come_in_the_order_of_arrival() -> None:
    hits = [given("b", 2), given("a", 1), given("b", 3), refused(), hit(200, {})]
    assert distinct(hits, "refresh_token") == ["a", "b"]


def test_what_is_wrong_in_any_round_is_a_problem_of_the_report() -> None:
    rounds = [Round(hits=[given("a", 1), refused(0)]), Round(hits=[refused()])]
    rounds[0].violations[Violation.FORK] += 1
    report = summed_up("x", "a race", rounds, racers=2)
    assert report.kinds == {"refresh": {"200": 1, "400 invalid_grant": 2}}
    assert report.latencies.total == 3
    section = section_of([report, RaceReport(name="y", what="", skipped="why not")])
    assert section.problems == ["x: more than one living chain (1 times)"]


def test_who_came_too_late_on_a_slow_machine_was_a_replay() -> None:
    facts, violations = judged([given("a"), refused(1.5)], living=0, grace=1)
    assert not violations
    assert facts["rounds too slow to be judged"] == 1


def test_where_nobody_was_first_nobody_came_too_late() -> None:
    facts, violations = judged([refused(1.5), refused(2.5)], living=0, grace=1)
    assert violations == {Violation.LOST_GRANT: 1, Violation.REFUSED_IN_GRACE: 2}
    assert facts["rounds too slow to be judged"] == 0


@pytest.mark.requirement("M-3", "M-13", "D-25", "D-26", "D-28")
def test_no_race_finds_fault_with_the_provider() -> None:
    """Small, but real: over HTTP and two processes, and none of the races left out."""
    races = [name for name in RACES if name != "refresh-window"]
    plan = Plan(
        what=[What.RACES], workers=[2], racers=[20], rounds=2, races=races, grace=1.0
    )
    told: list[str] = []
    report, raw = run_plan(plan, lambda what, _done, _total: told.append(what))
    assert report.problems == []
    assert len(report.sections) == 1
    title = report.sections[0].title
    assert [block.title for block in report.sections[0].blocks].count("Not run") == 0
    assert title == "Races, 2 worker processes"
    assert set(races) <= set(told)
    ran = raw[f"races{title.removeprefix('Races')}"]
    assert isinstance(ran, list)
    assert len(ran) == len(races)
    by_name = {one["name"]: one for one in ran if isinstance(one, dict)}
    presented = by_name["assertion-assertion"]
    assert presented["facts"] == {"assertions accepted": presented["rounds"]}


def test_a_window_is_raced_past_and_reported_over_the_command_line(
    tmp_path: Path,
) -> None:
    page, figures = tmp_path / "page.html", tmp_path / "figures.json"
    size = ["--race=refresh-window", "--racers=12", "--racers=2", "--grace=1"]
    files = ["--html", str(page), "--json-file", str(figures)]
    ran = run_command("bench", *size, *files)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    assert "replays refused" in ran.stdout
    found = json.loads(figures.read_text())
    assert found["problems"] == []
    many, few = found["races"]
    assert (many["racers"], few["racers"]) == (12, 2)
    assert many["facts"].keys() == {"answered with tokens", "replays refused"}
    assert "refresh-window, 2 racers" in page.read_text()
    assert "http:" not in page.read_text().replace("http://www.w3.org/2000/svg", "")


def test_a_server_that_is_not_there_is_told_from_a_wrong_one() -> None:
    ran = run_command("bench", "--url", "http://127.0.0.1:1")
    assert ran.returncode == 1
    assert "no metadata document" in ran.stderr
    assert run_command("bench", "--race", "nonsense").returncode == 1
