"""A PostgreSQL of its own for a peer, with the defaults of the distribution."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from actor_oauth.bench.asking import BenchError
from actor_oauth.bench.own_server import Program, pinned, start_program

_START_SECONDS: Final = 30.0


@contextmanager
def postgresql(cores: Sequence[int]) -> Iterator[tuple[Path, Program]]:
    """Run a server on an empty cluster for as long as the block lasts.

    Gives the directory of its socket, and the program.

    Args:
        cores: What it is kept to.

    Raises:
        BenchError: There is none on this machine, or it does not come up.
    """
    initdb, postgres = shutil.which("initdb"), shutil.which("postgres")
    if initdb is None or postgres is None:
        raise BenchError(
            "no PostgreSQL server: initdb and postgres are not on the path"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # It refuses to run as root.
        become = _as_somebody(folder)
        data = folder / "data"
        made = [*become, initdb, "-D", str(data), "-U", "postgres", "-A", "trust"]
        subprocess.run(made, check=True, capture_output=True, cwd=folder)
        run = [*become, postgres, "-D", str(data), "-k", str(folder), "-h", ""]
        with tempfile.TemporaryDirectory() as logs:
            program = start_program(pinned(run, cores), folder=Path(logs))
            try:
                _wait(folder, program)
                yield folder, program
            finally:
                program.stop()


def groups_of(program: Program) -> list[int]:
    """Give the process groups of a server: each of its processes has one of its own."""
    pid = program.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def _as_somebody(folder: Path) -> list[str]:
    if os.geteuid() != 0:
        return []
    shutil.chown(folder, "postgres", "postgres")
    setpriv = ["setpriv", "--reuid", "postgres", "--regid", "postgres"]
    return [*setpriv, "--clear-groups"]


def _wait(folder: Path, program: Program) -> None:
    deadline = monotonic() + _START_SECONDS
    while not (folder / ".s.PGSQL.5432").exists():
        if program.process.poll() is not None or monotonic() > deadline:
            raise BenchError(f"PostgreSQL: {program.log.read_text(errors='replace')}")
        sleep(0.05)
    # The socket is there a moment before connections are accepted; Django asks later.
