"""`backup` and `restore`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from actor_oauth.cli.options import ConfigOption, DataOption
from actor_oauth.cli.session import settings_of
from actor_oauth.cli.terminal import command_line, print_lines, say, showing_progress
from actor_oauth.provider.backups import (
    Backup,
    check_backup,
    make_backup,
    restore_backup,
    restore_user,
)
from actor_oauth.runtime import SystemClock, SystemEntropy

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
            help="Include the keyring. Anyone who has the backup then has the keys.",
        ),
    ] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Copy all data into one file in DIR, verify it, and print its name.

    A server may be running. The exit status is 1 also if an actor could not be copied.
    """
    settings = settings_of(config=config, data=data)
    with showing_progress() as tell:
        made = make_backup(
            settings.data,
            folder,
            with_keys=with_keys,
            now=SystemClock().now(),
            tell=tell,
        )
    print_lines([str(made.path)])
    say(f"copied and verified {made.actors} actors")
    if not with_keys:
        say("the keyring is not included: keep a copy of keyring.json elsewhere")
    for address, why in made.damaged.items():
        say(f"DAMAGED, not copied: {address} ({why})")
    if made.damaged:
        raise typer.Exit(1)


def check(
    file: FileArgument,
) -> None:
    """Verify a backup by reading all of it, and report what is in it."""
    with showing_progress() as tell:
        found = check_backup(file, tell=tell)
    keys = "with" if found.has_keys else "without"
    say(f"{found.actors} actors, {keys} keyring, as of {_moment(found)}: all as saved")


def restore(
    file: FileArgument,
    *,
    keyring: Annotated[
        Path | None,
        typer.Option(
            help="The keyring.json of the server that was backed up, unless the backup "
            "includes it.",
            show_default=False,
        ),
    ] = None,
    keep_grants: Annotated[
        bool,
        typer.Option(
            "--keep-grants",
            help="Keep grants, sessions and tokens as they were, including those that "
            "were revoked since. By default everybody has to sign in again.",
        ),
    ] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Create a data directory from a backup. An existing one is never touched."""
    settings = settings_of(config=config, data=data)
    with showing_progress() as tell:
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
        say("WARNING: everything revoked since then is valid again")
    else:
        say(
            "all sessions, grants and tokens have ended: everybody has to sign in again"
        )
    say("users, clients and secrets are as they were then: repeat any later changes")
    doctor = command_line("doctor", "--deep", settings=settings, config=config)
    say(f"check the result: {doctor}")


def restore_one(
    file: FileArgument,
    user: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="The user's name, or an `actor` from the log."
        ),
    ],
    *,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Restore one user whose file is damaged or missing. Stop the server first.

    Every session, grant and token of that user ends. Nobody else is touched.
    """
    settings = settings_of(config=config, data=data)
    restored = restore_user(
        file,
        settings.data,
        user,
        entropy=SystemEntropy(),
        now=SystemClock().now(),
    )
    say(f"restored {user} as of {_moment(restored.backup)}")
    if restored.aside is not None:
        say(f"the damaged file is kept: {restored.aside}")
    say("their sessions, grants and tokens have ended: they have to sign in again")
    say("password and settings are as they were then: repeat any later changes, and")
    say("disable or delete the user again if that had happened since")


def _moment(found: Backup) -> str:
    return f"{datetime.fromtimestamp(found.made_at, UTC):%Y-%m-%d %H:%M:%S} UTC"
