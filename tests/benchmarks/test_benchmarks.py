"""The benchmarks run, small, and say so when what they measure is wrong."""

from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import checks, commits, profile_refresh


def test_every_way_to_commit_is_measured(tmp_path: Path) -> None:
    figures = commits.measure_all(tmp_path, [2], 0.05, Console(quiet=True))
    assert len({line.variant for line in figures}) == len(figures) >= 4
    assert all(line.per_second > 0 for line in figures)
    assert commits.render(figures).row_count == len(figures)


def test_the_profile_says_where_a_refresh_spends_its_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert profile_refresh.main(["--seconds", "1", "--connections", "2"]) == 0
    printed = capsys.readouterr().out
    assert "hypercorn" in printed
    assert "refreshes per second" in printed


def test_checks_in_the_process_are_measured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    checks.main(["--rounds", "1", "--users", "2"])
    printed = capsys.readouterr().out
    assert "check, remembered" in printed
    assert "check, read from the tables" in printed
