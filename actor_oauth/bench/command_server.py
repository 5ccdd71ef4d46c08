"""Any server, given as a command that starts it."""

import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from actor_oauth.bench.asking import BenchError, ask
from actor_oauth.bench.http import NO_ANSWER, render
from actor_oauth.bench.own_server import Program, start_program

_START_SECONDS: Final = 60.0


@dataclass(slots=True)
class CommandServer:
    """A server that a command starts, always at the same address.

    Attributes:
        command: As typed into a shell, but run without one.
        url: Answers, whatever it answers, once the server is there.
        folder: Where its log goes.
        program: What runs now.
    """

    command: str
    url: str
    folder: Path
    program: Program | None = None

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            BenchError: It ended, or did not answer for a minute.
        """
        self.program = start_program(shlex.split(self.command), folder=self.folder)
        deadline = monotonic() + _START_SECONDS
        while ask(render("GET", self.url)).status == NO_ANSWER:
            if self.program.process.poll() is not None or monotonic() > deadline:
                said = self.program.log.read_text(errors="replace")
                raise BenchError(f"{self.command} does not answer: {said}")
            sleep(0.02)

    def groups(self) -> list[int]:
        """Give its process group."""
        return [] if self.program is None else [self.program.process.pid]

    def kill(self) -> None:
        """End it as `kill -9` does, with all its processes."""
        assert self.program is not None
        self.program.kill()


@contextmanager
def command_server(command: str, url: str) -> Iterator[CommandServer]:
    """Run the server for as long as the block lasts.

    Raises:
        BenchError: It did not come up.
    """
    with tempfile.TemporaryDirectory() as folder:
        server = CommandServer(command, url, Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.kill()
