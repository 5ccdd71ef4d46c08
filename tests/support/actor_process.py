"""A process with an actor system of counters: `python -m tests.support.actor_process DIR`.

Reads one command a line, runs all of them at once, and answers each when it is done.
Shuts down in an orderly way when its standard input ends.
"""

import itertools
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import trio

from actor_oauth.runtime import ActorSystem, LocalEngine, RuntimeLimits, open_system
from tests.support.counter import Counter
from tests.support.lines import Json, line_of, read_lines


async def serve(path: Path, limits: RuntimeLimits) -> None:
    """Serve standard input and output."""
    stdin, stdout = trio.lowlevel.FdStream(0), trio.lowlevel.FdStream(1)
    speaking, numbers = trio.Lock(), itertools.count()

    async def say(value: Json) -> None:
        async with speaking:
            await stdout.send_all(line_of(value))

    async def obey(system: ActorSystem, command: Json) -> None:
        counter = system.get(Counter, str(command["key"]))
        while command["do"] == "hammer":
            await say({"key": command["key"], "value": await counter.add(1)})
        while command["do"] == "write":
            # Each note is a row of its own, which no later turn writes again.
            noted = f"{os.getpid()} {next(numbers)} {'x' * 40}"
            await counter.note(noted)
            await say({"key": command["key"], "noted": noted})
        await say({"id": command["id"], "answer": await ask(system, counter, command)})

    async with (
        open_system(LocalEngine(path), (Counter,), limits=limits) as system,
        trio.open_nursery() as nursery,
    ):
        await say({"ready": True})
        async for command in read_lines(stdin):
            nursery.start_soon(obey, system, command)


async def ask(system: ActorSystem, counter: Counter, command: Json) -> object:
    """Do what a command says."""
    calls: Mapping[str, Callable[[], Awaitable[object]]] = {
        "add": counter.add,
        "bump": lambda: counter.do(bump),
        "value": counter.value,
        "notes": counter.notes,
        "tell": lambda: counter.tell(str(command["to"]), str(command["text"])),
        "wake": lambda: counter.wake_me(int(str(command["at"]))),
        "delivered": lambda: system.delivered(counter),
    }
    return await calls[str(command["do"])]()


def bump(counter: Counter) -> int:
    """Add one to what was read: right only if nobody writes in between."""
    value = counter.number() + 1
    counter.db.execute("UPDATE number SET value = ?", (value,))
    return value


if __name__ == "__main__":
    trio.run(serve, Path(sys.argv[1]), RuntimeLimits(**json.loads(sys.argv[2])))
