"""What a command loads: no more than it needs, as loading is most of its time."""

import inspect
import json
import subprocess
import sys
from importlib.metadata import version

import pytest
import typer.main

from actor_oauth.cli.commands import COMMANDS, app_with
from tests.cli.conftest import Command

# Runs one command after another in a process, and tells what was loaded by then.
PROGRAM = """
import json, sys
from contextlib import suppress
from functools import partial

import actor_oauth.cli

def run(*arguments):
    sys.argv = ["actor-oauth", *arguments]
    with suppress(SystemExit):
        actor_oauth.cli.main()
    return sorted(sys.modules)

data = sys.argv[1]
steps = {"version": run("version"), "--help": run("--help")}
steps["users list"] = run("users", "list", "--data", data)

import trio
from actor_oauth.provider.listening import bind
from actor_oauth.config import Settings
from actor_oauth.provider.command import serve

actor_oauth.cli.commands.app_with("serve")
fd, settings = bind(Settings(data=data, port=0))
stopping = trio.Event()
announce = lambda _issuer: stopping.set()
assert settings.demo_enabled
trio.run(partial(serve, settings, fd=fd, announce=announce, stopping=stopping))
steps["serve"] = sorted(sys.modules)
sys.stderr.write(json.dumps(steps))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    data = tmp_path_factory.mktemp("data")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(data)],
        capture_output=True,
        text=True,
        check=True,
    )
    return {step: set(names) for step, names in json.loads(done.stderr).items()}


@pytest.mark.parametrize(
    ("step", "unwanted"),
    [
        ("version", {"trio", "actor_oauth.config", "actor_oauth.oauth"}),
        ("--help", {"trio", "actor_oauth.config", "actor_oauth.oauth"}),
        ("users list", {"quart", "hypercorn", "actor_oauth.bench", "mcp", "fastmcp"}),
        ("serve", {"actor_oauth.bench", "mcp", "fastmcp", "prometheus_client"}),
    ],
)
def test_a_command_loads_nothing_that_it_does_not_need(
    loaded: dict[str, set[str]], step: str, unwanted: set[str]
) -> None:
    assert not loaded[step] & unwanted


def test_the_list_says_of_each_command_what_its_own_help_begins_with() -> None:
    line = typer.main.get_command(app_with(*COMMANDS))
    commands = getattr(line, "commands", {})
    for name, listed in COMMANDS.items():
        assert inspect.cleandoc(commands[name].help).startswith(listed.help), name


def test_the_version_is_printed_alone(actor_oauth: Command) -> None:
    assert actor_oauth("version").out == f"{version('actor-oauth')}\n"
