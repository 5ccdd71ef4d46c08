"""The rules of the test run, seen from outside: a run of its own for each."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def outcome(
    tmp_path: Path, *marks: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a test with each of these marks, where there is no program but Python."""
    tests = [
        f"@pytest.mark.{mark}\ndef test_{number}() -> None:\n    pass\n"
        for number, mark in enumerate(marks)
    ]
    (tmp_path / "test_it.py").write_text("\n".join(["import pytest", *tests]))
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nmarkers =\n    needs: a program\n    requirement: an id\n"
    )
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ACTOR_OAUTH_", "COV", "PYTEST"))
    }
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-rs"]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", str(tmp_path)],
        env=kept
        | {"PATH": str(tmp_path), "PYTHONPATH": str(ROOT)}
        | (environment or {}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_needs_a_missing_program_is_skipped_and_says_which(tmp_path: Path) -> None:
    done = outcome(tmp_path, 'needs("chromium", "node")')
    assert done.returncode == 0
    assert "1 skipped" in done.stdout
    assert "needs chromium, node, which is not installed" in done.stdout


def test_where_everything_must_be_there_a_missing_program_is_a_failure(
    tmp_path: Path,
) -> None:
    done = outcome(
        tmp_path, 'needs("node")', environment={"ACTOR_OAUTH_REQUIRE_ALL": "1"}
    )
    assert done.returncode == 1
    assert "1 error" in done.stdout
    assert "needs node, which is not installed" in done.stdout


def test_what_needs_a_program_that_is_there_is_run(tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.touch(mode=0o755)
    assert "1 passed" in outcome(tmp_path, 'needs("node")').stdout


def test_requirements_are_named_by_their_ids(tmp_path: Path) -> None:
    done = outcome(tmp_path, 'requirement("D-25", "M-3", "A-01")', 'requirement("G12")')
    assert "2 passed" in done.stdout


def test_marks_that_name_nothing_stop_the_run_and_are_all_told(tmp_path: Path) -> None:
    wrong = (
        'requirement("D25")',
        'requirement("D-25", "Z-01")',
        "requirement()",
        'needs("emacs")',
    )
    done = outcome(tmp_path, *wrong)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    for number in range(len(wrong)):
        assert f"test_{number}" in done.stderr
