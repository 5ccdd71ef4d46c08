"""Every gate, in order, stopping at the first red: `python -m tests.check`.

`--static` alone asks for what runs nothing, `--tests` for the rest. Other arguments are
handed to pytest, for a try on a part: coverage is then not judged.
"""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent

BIN: Final = Path(sys.executable).parent

_INNER: Final = "actor_oauth/oauth/*,actor_oauth/runtime/*"

STATIC: Final[tuple[tuple[str, ...], ...]] = (
    ("ruff", "format", "--check", "--quiet", "."),
    ("ruff", "check", "--quiet", "."),
    ("mypy", "--no-error-summary"),
    ("lint-imports", "--no-logo"),
)
COVERAGE: Final[tuple[tuple[str, ...], ...]] = (
    ("coverage", "combine", "--quiet"),
    (
        "coverage", "report", "--skip-covered", "--show-missing",
        f"--include={_INNER}", "--fail-under=100",
    ),
    (
        "coverage", "report", "--skip-covered", "--show-missing",
        f"--omit={_INNER}", "--fail-under=95",
    ),
)  # fmt: skip


def tests_command(arguments: Sequence[str]) -> tuple[str, ...]:
    """Give the README's command for the tests; the environment asks it for coverage."""
    return (str(ROOT / "dev"), "test", *arguments)


def run(command: Sequence[str]) -> bool:
    """Run one gate; show what it says only if it is red or is the tests."""
    shown = command[1] == "test"
    started = time.monotonic()
    done = subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=ROOT,
        check=False,
        env={**os.environ, "ACTOR_OAUTH_COVERAGE": "1"},
        stdout=None if shown else subprocess.PIPE,
        stderr=None if shown else subprocess.STDOUT,
        text=True,
    )
    verdict = "ok" if done.returncode == 0 else "FAILED"
    if done.returncode != 0 and done.stdout:
        print(done.stdout)
    print(
        f"{verdict:6} {time.monotonic() - started:6.1f} s  {shlex.join(command[:4])}",
        flush=True,
    )
    return done.returncode == 0


def main(arguments: Sequence[str]) -> int:
    """Run the gates.

    Returns:
        The exit status: 0 when all are green.
    """
    for leftover in ROOT.glob(".coverage*"):
        leftover.unlink()
    return 0 if all(run(gate) for gate in gates_for(arguments)) else 1


def gates_for(arguments: Sequence[str]) -> Sequence[Sequence[str]]:
    """Give the gates that these arguments ask for."""
    match arguments:
        case ["--static"]:
            return STATIC
        case ["--tests"]:
            return [tests_command([]), *COVERAGE]
        case []:
            return [*STATIC, tests_command([]), *COVERAGE]
        case _:
            return [*STATIC, tests_command(arguments)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
