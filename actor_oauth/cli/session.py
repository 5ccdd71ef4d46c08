"""Runs one command on a data directory, beside a running server or without one.

The command opens the actors itself. SQLite's locks make that as safe as a second worker
is, so no server has to be asked, or even be running.
"""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import trio

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.cli.options import overrides
from actor_oauth.config import (
    ConfigError,
    LogLevel,
    Settings,
    configure_logging,
    load_settings,
)
from actor_oauth.provider import Provider
from actor_oauth.runtime import ActorError

Result = TypeVar("Result")


def settings_of(*, config: Path | None, data: Path | None) -> Settings:
    """Read the settings that a command works with.

    Raises:
        ConfigError: They cannot be used.
    """
    return load_settings(file=config, overrides=overrides(data=data))


def run_on_data(
    command: Callable[[AuthorizationServer], Awaitable[Result]],
    *,
    config: Path | None,
    data: Path | None,
) -> Result:
    """Open the data directory, run the command, close it again.

    Args:
        command: What to do.
        config: The settings file, if one was named.
        data: The data directory, if one was named.

    Raises:
        ConfigError: Settings or data directory cannot be used.
    """
    settings = settings_of(config=config, data=data)
    # A command answers by what it prints; the log only has what went wrong.
    level = max(settings.log_level, LogLevel.WARNING, key=list(LogLevel).index)
    configure_logging(level, settings.log_format, sys.stderr)

    async def run() -> Result:
        async with Provider(settings).open_server() as server:
            try:
                return await command(server)
            except ActorError as error:
                problem = f"the data in {settings.data} cannot be used now: {error}"
                raise ConfigError([problem]) from None

    return trio.run(run)
