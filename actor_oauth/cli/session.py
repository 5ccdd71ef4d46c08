"""Runs one command on a data directory, beside a running server or without one.

The command opens the actors itself. SQLite's locks make that as safe as a second worker
is, so no server has to be asked, or even be running.
"""

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import trio

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.cli.options import overrides
from actor_oauth.cli.terminal import say
from actor_oauth.config import (
    ConfigError,
    LogLevel,
    Settings,
    configure_logging,
)
from actor_oauth.config.load import read_settings, unknown_variables
from actor_oauth.provider import Provider
from actor_oauth.runtime import ActorError

Result = TypeVar("Result")


def settings_of(*, config: Path | None, data: Path | None) -> Settings:
    """Read the settings that a command works with.

    Raises:
        ConfigError: They cannot be used.
    """
    return read_settings(config, overrides(data=data), serving=False)


def run_on_data(
    command: Callable[[AuthorizationServer], Awaitable[Result]],
    *,
    config: Path | None,
    data: Path | None,
    begins: bool = False,
) -> Result:
    """Open the data directory, run the command, close it again.

    Args:
        command: What to do.
        config: The settings file, if one was named.
        data: The data directory, if one was named.
        begins: Whether it makes the data directory if there is none. A command that asks
            about something, in a directory named by mistake, would find nothing.

    Raises:
        ConfigError: Settings or data directory cannot be used.
    """
    settings = settings_of(config=config, data=data)
    # A command answers by what it prints; the log only has what went wrong.
    level = max(settings.log_level, LogLevel.WARNING, key=list(LogLevel).index)
    configure_logging(level, settings.log_format, sys.stderr)
    for problem in unknown_variables(os.environ):
        say(problem)
    if not settings.data.is_dir():
        where = settings.data.absolute()
        if not begins:
            problem = f"there is no data directory {where}: use --data or --config"
            raise ConfigError([problem])
        say(f"created the data directory {where}")

    async def run() -> Result:
        async with Provider(settings).open_server() as server:
            try:
                return await command(server)
            except ActorError as error:
                problem = f"the data in {settings.data} cannot be used: {error}"
                raise ConfigError([problem]) from None

    return trio.run(run)
