"""Every command: where it is, and what the list of them says.

A command is imported when it is run. What most of them need, actors and settings and
keys, takes longer to load than the command takes to do its work.
"""

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Final

import typer

_HELP: Final = (
    "OAuth 2.1 provider for MCP servers and HTTP APIs, built on durable actors."
)


@dataclass(frozen=True, slots=True)
class Deferred:
    """A command, or a group of commands, that need not be imported yet.

    Attributes:
        where: Its module below `actor_oauth.cli`, and its name there.
        help: Its line in the list of commands: the first of its own help.
        panel: Under which heading it is listed.
        hidden: Whether the list leaves it out.
    """

    where: str
    help: str
    panel: str
    hidden: bool = False

    def add_to(self, app: typer.Typer, name: str, *, load: bool) -> None:
        """Add it to a command line.

        Args:
            app: The command line.
            name: What it is called there.
            load: Import it. What is not imported is only listed.
        """
        found = _imported(self.where) if load else _not_loaded
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name, rich_help_panel=self.panel)
        else:
            app.command(
                name,
                short_help=self.help,
                hidden=self.hidden,
                rich_help_panel=self.panel,
            )(found)


_SERVER: Final = "The server"
_PEOPLE: Final = "People and applications"
_DATA: Final = "Data and keys"

COMMANDS: Final[Mapping[str, Deferred]] = {
    "serve": Deferred(
        "serve:serve", "Serve the provider until SIGTERM or Ctrl-C.", _SERVER
    ),
    "doctor": Deferred(
        "doctor:doctor",
        "Check settings, data directory, keys, clock and limits.",
        _SERVER,
    ),
    "bench": Deferred(
        "bench:bench",
        "Measure an OAuth server and check that its answers are right.",
        _SERVER,
    ),
    "worker": Deferred(
        "serve:worker",
        "Serve as one of several processes; started by `serve`, never by hand.",
        _SERVER,
        hidden=True,
    ),
    "users": Deferred("users:users", "The people who can sign in.", _PEOPLE),
    "clients": Deferred(
        "clients:clients", "The applications that ask for access.", _PEOPLE
    ),
    "grants": Deferred(
        "grants:grants", "What each user has allowed each client.", _PEOPLE
    ),
    "audit": Deferred(
        "audit:audit", "Show the security events of a user, newest first.", _PEOPLE
    ),
    "keys": Deferred(
        "keys:keys",
        "The keys that tokens are signed with, and the server's own secrets.",
        _DATA,
    ),
    "backup": Deferred(
        "backups:backup",
        "Copy all data into one file in DIR, verify it, and print its name.",
        _DATA,
    ),
    "check-backup": Deferred(
        "backups:check",
        "Verify a backup by reading all of it, and report what is in it.",
        _DATA,
    ),
    "restore": Deferred(
        "backups:restore",
        "Create a data directory from a backup. An existing one is never touched.",
        _DATA,
    ),
    "restore-user": Deferred(
        "backups:restore_one",
        "Restore one user whose file is damaged or missing. Stop the server first.",
        _DATA,
    ),
    "purge": Deferred(
        "purge:purge",
        "Erase all expired data now, which the server otherwise does within the hour.",
        _DATA,
    ),
}


def app_with(*names: str) -> typer.Typer:
    """Make the command line in which these commands can be run, and all are listed."""
    app = typer.Typer(
        name="actor-oauth",
        help=_HELP,
        no_args_is_help=True,
        add_completion=False,
        # They show local variables, which is where the secrets are.
        pretty_exceptions_enable=False,
    )
    for name, command in COMMANDS.items():
        command.add_to(app, name, load=name in names)
    app.command("version", rich_help_panel=_SERVER)(_show_version)
    return app


def _show_version() -> None:
    """Print the version."""
    print(version("actor-oauth"))


def _not_loaded() -> None:
    raise AssertionError("this command was not to be run")


def _imported(where: str) -> Callable[[], None] | typer.Typer:
    module, _, name = where.partition(":")
    # The collector would scan everything that an import creates again and again, in
    # vain.
    gc.disable()
    try:
        found: Callable[[], None] | typer.Typer = getattr(
            import_module(f"actor_oauth.cli.{module}"), name
        )
    finally:
        gc.enable()
    return found
