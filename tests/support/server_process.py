"""The real server, as its own process: `actor-oauth serve` on a free port."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from actor_oauth.bench.leash import leashed

COMMAND: Final = (sys.executable, "-m", "actor_oauth")

# A bound for a machine under load; what is waited for is seen at once otherwise.
PATIENCE: Final = 60.0


def clean_environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give this environment without settings of ours, then with `changes`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ACTOR_OAUTH_")
    }
    return kept | dict(changes or {})


class ServerProcess:
    """A running server.

    Attributes:
        process: Its process.
        lines: What it has said on standard error so far.
        url: From its line `listening on URL`.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._unread: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self.wait_for_line("listening on ").removeprefix("listening on ")

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                self._unread.put(line.rstrip("\n"))
        self._unread.put(None)

    def wait_for_line(self, part: str) -> str:
        """Wait until it says a line that contains `part`.

        Raises:
            AssertionError: It ended without, or said nothing for a minute.
        """
        while True:
            try:
                line = self._unread.get(timeout=PATIENCE)
            except queue.Empty:
                line = None
            assert line is not None, f"no line with {part!r}, but {self.lines}"
            self.lines.append(line)
            if part in line:
                return line

    def rest(self) -> list[str]:
        """Give everything that it ever said, once it has ended."""
        while (line := self._unread.get(timeout=PATIENCE)) is not None:
            self.lines.append(line)
        return self.lines

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and give the exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def children(self) -> list[int]:
        """Give the process ids of its workers."""
        # Of every thread: Trio starts processes in threads of its own.
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for thread in threads for pid in thread.read_text().split()]


@contextmanager
def serving(
    data: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[ServerProcess]:
    """Serve on a free port for as long as the block lasts.

    Args:
        data: The data directory.
        *arguments: More of the command line.
        environment: Changes to it.
    """
    process = subprocess.Popen(
        leashed(*COMMAND, "serve", "--port", "0", "--data", str(data), *arguments),
        env=clean_environment(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield ServerProcess(process)
    finally:
        process.kill()
        process.wait()


def run_command(
    *arguments: str,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run any `actor-oauth` command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        env=clean_environment(environment),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
