"""A test run that is killed leaves nothing behind."""

import re
import subprocess
import sys
from pathlib import Path

from actor_oauth.bench.leash import leashed
from tests.support.ends import ending

ROOT = Path(__file__).resolve().parent.parent

# It says why.
WITHOUT = "tests/bench/test_interrupted.py"

# One started here, with a child of its own, and one by Trio, in a thread that goes away.
STARTS_PROGRAMS = """
import subprocess
from trio.lowlevel import open_process
from actor_oauth.bench.leash import leashed

async def test_it():
    shell = leashed("sh", "-c", "sleep 600 & echo $!; wait")
    started = subprocess.Popen(shell, stdout=subprocess.PIPE, text=True)
    by_trio = await open_process(leashed("sleep", "600"))
    print("started", started.pid, started.stdout.readline().strip(), by_trio.pid)
    started.wait()
"""


def test_what_a_killed_test_run_started_ends_with_it(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(STARTS_PROGRAMS)
    command = (sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider")
    with subprocess.Popen(
        leashed(*command, "-o", "trio_mode=true", "--rootdir", str(tmp_path), "."),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        line = next(line for line in run.stdout if "started " in line)
        pids = [int(number) for number in re.findall(r"\d+", line)]
        assert len(pids) == 3, line
        with ending(pids):
            run.kill()


def test_every_program_that_a_test_starts_is_on_a_leash() -> None:
    starts = re.compile(r"\b(Popen\(|open_process\b|run_process\b)")
    leashes = re.compile(r"\b(leashed|node_command)\(")
    texts = {
        str(path.relative_to(ROOT)): text
        for path in (ROOT / "tests").rglob("*.py")
        if starts.search(text := path.read_text())
    }
    unleashed = {name for name, text in texts.items() if not leashes.search(text)}

    assert unleashed == {WITHOUT}
