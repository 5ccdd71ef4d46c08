"""The benchmarks run, small, and say so when what they measure is wrong."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import commits, profile_refresh, throughput
from benchmarks.load import LoadFigures, Plan
from benchmarks.processes import StartError, run_load, started
from benchmarks.throughput import Measurement


def test_every_way_to_commit_is_measured(tmp_path: Path) -> None:
    figures = commits.measure_all(tmp_path, [2], 0.05, Console(quiet=True))
    assert len({line.variant for line in figures}) == len(figures) >= 4
    assert all(line.per_second > 0 for line in figures)
    assert commits.render(figures).row_count == len(figures)


@pytest.mark.parametrize("kind", ["canned", "asgi", "quart"])
def test_the_driver_counts_what_an_echo_answers(kind: str) -> None:
    with started(["benchmarks.echo", kind]) as url:
        plan = Plan(url=f"{url}/", seconds=0.2, warm_up=0.1, connections=2)
        figures = run_load(plan)
    assert list(figures.answers) == ["200"]
    assert figures.per_second > 0
    assert 0 < figures.p50 <= figures.p99


def test_a_server_that_does_not_start_says_why() -> None:
    nonsense = started(["benchmarks.echo", "nonsense"])
    with pytest.raises(StartError, match="invalid choice"), nonsense:
        pass


def test_refreshes_and_checks_are_measured_in_one_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = throughput.main(["--small", "--connections", "4", "--json"])
    lines = {line["name"]: line for line in json.loads(capsys.readouterr().out)}
    assert code == 0
    assert lines["durable refresh"]["figures"]["per_second"] > 0
    assert lines["durable refresh"]["of_quart"] > 0
    assert lines["access check through the guard"]["figures"]["per_second"] > 0


def test_figures_with_bad_answers_among_them_are_not_accepted() -> None:
    figures = LoadFigures(
        per_second=1.0, answers={"200": 9}, p50=1.0, p99=1.0, cpu_share=0.1
    )
    good = Measurement(name="x", figures=figures, of_asgi=1.0, of_quart=1.0)
    bad = replace(good, figures=replace(figures, answers={"200": 9, "503": 1}))
    assert throughput.only_good_answers([good])
    assert not throughput.only_good_answers([good, bad])


def test_the_profile_says_where_a_refresh_spends_its_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert profile_refresh.main(["--seconds", "1", "--connections", "2"]) == 0
    printed = capsys.readouterr().out
    assert "hypercorn" in printed
    assert "refreshes per second" in printed
