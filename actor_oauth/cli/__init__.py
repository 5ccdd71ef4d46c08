"""The command line. The only layer that prints, reads standard input or exits."""

import sys
from importlib.metadata import version
from typing import Final

import typer

from actor_oauth.cli.audit import audit
from actor_oauth.cli.backups import backup, check, restore
from actor_oauth.cli.bench import bench
from actor_oauth.cli.clients import clients
from actor_oauth.cli.doctor import doctor
from actor_oauth.cli.grants import grants
from actor_oauth.cli.keys import keys
from actor_oauth.cli.purge import purge
from actor_oauth.cli.serve import serve, worker
from actor_oauth.cli.terminal import CommandError, say
from actor_oauth.cli.users import users
from actor_oauth.config import ConfigError

__all__ = ["app", "main"]

app: Final = typer.Typer(
    name="actor-oauth",
    help="OAuth 2.1 provider for MCP servers and HTTP APIs, made of durable actors.",
    no_args_is_help=True,
    add_completion=False,
    # They show local variables, which is where the secrets are.
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command()(audit)
app.command()(purge)
app.command()(doctor)
app.command()(backup)
app.command()(restore)
app.command("check-backup")(check)
app.command(hidden=True)(worker)
app.command()(bench)
app.add_typer(users, name="users")
app.add_typer(clients, name="clients")
app.add_typer(grants, name="grants")
app.add_typer(keys, name="keys")


@app.command("version")
def show_version() -> None:
    """Print the version."""
    print(version("actor-oauth"))


def main() -> None:
    """Run the command line of this process.

    What an operator can do something about is said in a sentence each, with exit status
    1; anything else is a fault and shows where it happened.
    """
    problems: list[str] = []
    try:
        app()
    # Whether alone or in the group that a nursery makes of it.
    except* ConfigError as errors:
        problems += [str(error) for error in _leaves(errors)]
    except* CommandError as errors:
        problems += [str(error) for error in _leaves(errors)]
    for problem in dict.fromkeys("\n".join(problems).splitlines()):
        say(f"actor-oauth: {problem}")
    if problems:
        sys.exit(1)


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves
