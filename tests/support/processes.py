"""Real processes with actor systems, to share a data directory and to be killed."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import trio

from actor_oauth.bench.leash import leashed
from tests.support.lines import Json, line_of, read_lines

ROOT: Final = Path(__file__).resolve().parent.parent.parent


class ActorProcess:
    """A process that runs `tests.support.actor_process`.

    Attributes:
        told: What it said of its own accord, as a test that hammers it wants to know.
    """

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._numbers = itertools.count()
        self._answers: dict[int, Json] = {}
        self._heard = trio.Event()
        self._speaking = trio.Lock()
        self._ended = False
        self.told: list[Json] = []

    async def ask(self, do: str, key: str, **more: object) -> object:
        """Give a command and wait for the answer."""
        number = await self.tell(do, key, **more)
        while number not in self._answers:
            await self.hear()
        return self._answers.pop(number)["answer"]

    async def number(self, do: str, key: str) -> int:
        """Give a command whose answer is a number."""
        answer = await self.ask(do, key)
        assert isinstance(answer, int)
        return answer

    async def tell(self, do: str, key: str, **more: object) -> int:
        """Give a command; its number."""
        number = next(self._numbers)
        assert self._process.stdin is not None
        command = {"id": number, "do": do, "key": key, **more}
        async with self._speaking:
            await self._process.stdin.send_all(line_of(command))
        return number

    async def hear(self) -> None:
        """Wait until it says something."""
        assert not self._ended
        await self._heard.wait()

    def kill(self) -> None:
        """Kill it, as `kill -9` does."""
        self._process.kill()

    async def stop(self) -> int:
        """Have it shut down in an orderly way; its exit status."""
        assert self._process.stdin is not None
        await self._process.stdin.aclose()
        return await self._process.wait()

    async def listen(self) -> None:
        """Take in all that it says, to the end."""
        assert self._process.stdout is not None
        async for value in read_lines(self._process.stdout):
            if "id" in value:
                number = value["id"]
                assert isinstance(number, int)
                self._answers[number] = value
            else:
                self.told.append(value)
            self._heard.set()
            self._heard = trio.Event()
        self._ended = True
        self._heard.set()


@asynccontextmanager
async def actor_process(
    path: Path,
    *,
    module: str = "tests.support.actor_process",
    environment: Mapping[str, str] | None = None,
    **limits: float,
) -> AsyncIterator[ActorProcess]:
    """A running process on a data directory; killed at the end if it still runs.

    Args:
        path: The data directory.
        module: What it runs.
        environment: Changes to this process's.
        limits: For its `RuntimeLimits`.
    """
    process = await trio.lowlevel.open_process(
        leashed(sys.executable, "-m", module, str(path), json.dumps(limits)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
    )
    actors = ActorProcess(process)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(actors.listen)
        try:
            while not actors.told:
                await actors.hear()
            actors.told.clear()
            yield actors
        finally:
            with trio.CancelScope(shield=True):
                process.kill()
                await process.wait()
