"""`backup` and `restore`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from actor_oauth.cli.options import ConfigOption, DataOption
from actor_oauth.cli.session import settings_of
from actor_oauth.cli.terminal import command_line, counting, print_lines, say
from actor_oauth.provider import Backup, check_backup, make_backup, restore_backup
from actor_oauth.runtime import SystemClock

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]


def backup(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where the backup goes.")
    ],
    *,
    with_keys: Annotated[
        bool,
        typer.Option(
            "--with-keys",
            help="Put the keyring into it. Then whoever has the backup has the keys.",
        ),
    ] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Copy all data into one file in DIR, and read it again; prints its name.

    A server may run meanwhile. Exit status 1 also if an actor could not be copied.
    """
    settings = settings_of(config=config, data=data)
    with counting("copying") as tell:
        made = make_backup(
            settings.data,
            folder,
            with_keys=with_keys,
            now=SystemClock().now(),
            tell=tell,
        )
    print_lines([str(made.path)])
    say(f"copied {made.actors} actors, and read them again")
    if not with_keys:
        say("the keyring is not in it: keep a copy of keyring.json elsewhere")
    for address in made.damaged:
        say(f"DAMAGED, not copied: {address}")
    if made.damaged:
        raise typer.Exit(1)


def check(
    file: FileArgument,
) -> None:
    """Read a backup from end to end, and say what is in it."""
    with counting("reading") as tell:
        found = check_backup(file, tell=tell)
    keys = "with" if found.has_keys else "without"
    say(f"{found.actors} actors, {keys} keyring, as of {_moment(found)}: all as saved")


def restore(
    file: FileArgument,
    *,
    keyring: Annotated[
        Path | None,
        typer.Option(
            help="The keyring.json of the server that was backed up, unless the backup"
            " has it.",
            show_default=False,
        ),
    ] = None,
    keep_grants: Annotated[
        bool,
        typer.Option(
            "--keep-grants",
            help="Leave grants, sessions and tokens as they were, also those that were"
            " revoked since. Otherwise everybody signs in again.",
        ),
    ] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Make a data directory out of a backup. An existing one is never touched."""
    settings = settings_of(config=config, data=data)
    with counting("restoring") as tell:
        found = restore_backup(
            file,
            settings.data,
            keyring_file=keyring,
            keep_grants=keep_grants,
            now=SystemClock().now(),
            tell=tell,
        )
    say(f"restored {found.actors} actors as of {_moment(found)}")
    if keep_grants:
        say("WARNING: whatever was revoked since then is in force again")
    else:
        say("every session, grant and token has ended: everybody signs in again")
    say("users, clients and secrets are as they were then: repeat what you did since")
    doctor = command_line("doctor", "--deep", settings=settings, config=config)
    say(f"see whether all is well: {doctor}")


def _moment(found: Backup) -> str:
    return f"{datetime.fromtimestamp(found.made_at, UTC):%Y-%m-%d %H:%M:%S} UTC"
