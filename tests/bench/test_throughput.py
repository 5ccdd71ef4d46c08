"""Throughput is measured of the right things, and bad answers are never counted as good."""

import subprocess
import sys
from pathlib import Path

from actor_oauth.bench.http import render
from actor_oauth.bench.leash import leashed
from actor_oauth.bench.own_server import own_settings
from actor_oauth.bench.plan import Plan, What
from actor_oauth.bench.report.document import Table
from actor_oauth.bench.report.throughput import section_of
from actor_oauth.bench.run import run_plan
from actor_oauth.bench.throughput.commits import commits_per_second
from actor_oauth.bench.throughput.cpu import cpu_seconds, resident_bytes
from actor_oauth.bench.throughput.in_process import checks_per_second
from actor_oauth.bench.throughput.load import Job, Kind, run_load
from actor_oauth.bench.throughput.run import ThroughputReport, run_throughput
from tests.support.canned_server import canned_server, reply


def silent(_what: str, _done: int, _total: int) -> None:
    pass


def measured(seconds: float = 0.3) -> ThroughputReport:
    """Measure everything, for longer where a busy machine gave some server no turn."""
    plan = Plan(what=[What.THROUGHPUT], seconds=seconds, connections=[2])
    report = run_throughput(plan, silent)
    was_busy = not all(one.per_second > 0 and one.cpu_each for one in report.figures)
    return measured(3 * seconds) if was_busy and seconds < 2 else report


def test_everything_is_measured_beside_servers_that_do_nothing() -> None:
    report = measured()
    section = section_of(report)
    assert section.problems == []
    assert report.skipped == {}
    assert len(report.figures) == 9
    for figure in report.figures:
        assert figure.per_second > 0, figure.name
        assert figure.done >= figure.latencies.total > 0
        assert 0 < figure.driver_cpu <= 1.5
    assert report.commits[0] > 0
    assert report.checks[0] > 0
    rates = section.blocks[0]
    assert isinstance(rates, Table)
    assert all(len(row) == len(rates.columns) for row in rates.rows)
    beside = section.blocks[1]
    assert isinstance(beside, Table)
    (share,) = [row[1] for row in beside.rows if "without the guard" in row[0]]
    # Both are ticks of the kernel, few of them in so short a time.
    assert 0.1 < float(share) < 10


def test_what_a_server_does_not_have_is_told() -> None:
    report = ThroughputReport(seconds=0.1, commits=[1.0], skipped={"flow": "why not"})
    assert "Not measured" in [block.title for block in section_of(report).blocks]


def test_answers_count_within_the_measured_time_and_only_good_ones_as_done() -> None:
    bad = reply(status="500 Oh")
    with canned_server(*[reply()] * 2, *[bad] * 100_000) as server:
        job = Job(
            kind=Kind.REQUEST,
            seconds=0.1,
            connections=1,
            request=render("GET", server.url),
        )
        result = run_load(job)
    assert result.good == 0
    assert result.all_done > result.kinds["500"] > 0
    report = ThroughputReport(seconds=0.1, commits=[1.0])
    figure = report.figure("x", 1, 1)
    figure.rates.append(0.0)
    figure.kinds += result.kinds
    assert len(section_of(report).problems or ()) == 1


def test_cpu_and_memory_are_those_of_the_process_groups() -> None:
    # In a group of its own: what ends in another one takes its time with it.
    command = leashed(sys.executable, "-c", "while True: pass")
    with subprocess.Popen(command, start_new_session=True) as busy:
        while not cpu_seconds([busy.pid]):
            assert busy.poll() is None
        assert resident_bytes([busy.pid]) > 1_000_000
        busy.kill()
    assert cpu_seconds([]) == resident_bytes([]) == 0


def test_commits_are_counted(tmp_path: Path) -> None:
    assert commits_per_second(tmp_path, 0.05) > 0


async def test_checks_are_counted(tmp_path: Path) -> None:
    settings = own_settings(tmp_path / "data", 8000)
    assert await checks_per_second(settings, 0.05) > 0


def test_a_plan_without_measurements_only_tells_the_conditions() -> None:
    plan = Plan(what=[], seconds=0.1)
    report, raw = run_plan(plan, silent)
    assert report.sections == []
    assert set(raw) == {"conditions", "problems"}
