"""Programs of the Node.js that the tests bring, and how they are started."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from subprocess import PIPE

import trio

from actor_oauth.bench.leash import leashed
from tests.support.programs import NODE_DIRECTORY, find_program


def node_command(program: str, *arguments: str) -> list[str]:
    """The command line of a script, which ends with this process.

    Args:
        program: Its path, from `tests/node`.
        *arguments: Its own.
    """
    return leashed(str(_node()), str(NODE_DIRECTORY / program), *arguments)


def node_environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """This environment, with that Node.js as `node`, and `changes`."""
    path = f"{_node().parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path, **(changes or {})}


@asynccontextmanager
async def node_running(program: str, *arguments: str) -> AsyncIterator[str]:
    """Run a script for as long as the block lasts; gives its first line.

    It has to end with its standard input.
    """
    async with trio.open_nursery() as nursery:
        run = partial(
            trio.run_process,
            node_command(program, *arguments),
            stdin=PIPE,
            stdout=PIPE,
            env=node_environment(),
            check=False,
        )
        process: trio.Process = await nursery.start(run)
        assert process.stdin is not None
        assert process.stdout is not None
        line = b""
        with trio.fail_after(60):
            while b"\n" not in line:
                chunk = await process.stdout.receive_some()
                assert chunk, f"{program} ended"
                line += chunk
        yield line.decode().strip()
        await process.stdin.aclose()


def _node() -> Path:
    node = find_program("node22")
    assert node is not None, "the test lacks @pytest.mark.needs('node22', …)"
    return node
