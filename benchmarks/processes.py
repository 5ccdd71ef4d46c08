"""Starts the programs that are measured, each on its own core, and ends them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import monotonic, sleep

from benchmarks.load import LoadFigures, Plan

_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_MARKER = "listening on "


class StartError(Exception):
    """A program did not come up; the message is what it printed."""


def pinned(command: Sequence[str], core: int | None) -> list[str]:
    """The command, kept to one core where the machine can do that."""
    taskset = shutil.which("taskset")
    if core is None or taskset is None or (os.cpu_count() or 1) <= core:
        return list(command)
    return [taskset, "-c", str(core), *command]


@contextmanager
def started(
    arguments: Sequence[str],
    *,
    core: int | None = None,
    environment: dict[str, str] | None = None,
) -> Iterator[str]:
    """Run `python -m …` until it says `listening on URL`; gives that URL.

    Args:
        arguments: The module and its arguments.
        core: The core that the process is kept to.
        environment: Added to this process's.

    Raises:
        StartError: It ended, or said nothing for a minute.
    """
    command = pinned([sys.executable, "-m", *arguments], core)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "stderr"
        with (
            log.open("wb") as stderr,
            subprocess.Popen(
                command,
                stderr=stderr,
                stdout=subprocess.DEVNULL,
                env={**os.environ, **(environment or {})},
            ) as process,
        ):
            try:
                yield _wait_for_url(process, log)
            finally:
                _stop(process)


def _wait_for_url(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = monotonic() + _START_SECONDS
    while monotonic() < deadline:
        text = log.read_text(errors="replace")
        for line in text.splitlines(keepends=True):
            if line.endswith("\n") and _MARKER in line:
                return line.rpartition(_MARKER)[2].strip()
        if process.poll() is not None:
            break
        sleep(0.05)
    raise StartError(log.read_text(errors="replace") or "nothing was printed")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run_load(plan: Plan, *, core: int | None = None) -> LoadFigures:
    """Run the load driver in its own process.

    Args:
        plan: What it does.
        core: The core that it is kept to.
    """
    ran = subprocess.run(
        pinned([sys.executable, "-m", "benchmarks.load"], core),
        input=json.dumps(asdict(plan)).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return LoadFigures(**json.loads(ran.stdout))
