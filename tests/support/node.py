"""Programs of the Node.js that the tests bring, and how they are started."""

import os
from collections.abc import Mapping
from pathlib import Path

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


def _node() -> Path:
    node = find_program("node22")
    assert node is not None, "the test lacks @pytest.mark.needs('node22', …)"
    return node
