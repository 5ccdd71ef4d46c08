"""`users`: the users who can sign in."""

import getpass
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final

import trio
import typer

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.cli.options import (
    ConfigOption,
    DataOption,
    JsonOption,
    NameArgument,
    PasswordStdinOption,
)
from actor_oauth.cli.session import run_on_data
from actor_oauth.cli.terminal import CommandError, print_json, print_lines, say

users = typer.Typer(no_args_is_help=True, help="The people who can sign in.")

_NAME_LENGTH: Final = 255
_PASSWORD_LENGTH: Final = 4096
_PAGE: Final = 500


@users.command("add")
def add_user(
    name: NameArgument,
    *,
    password_stdin: PasswordStdinOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Add a user."""
    _check_name(name)
    password = _read_password(from_stdin=password_stdin)

    async def add(server: AuthorizationServer) -> bool:
        return await server.create_user(name, password)

    if not run_on_data(_explaining_rules(add), config=config, data=data, begins=True):
        raise CommandError(f"user {name} exists already; see users set-password")
    say(f"added {name}")


@users.command("set-password")
def set_password(
    name: NameArgument,
    *,
    password_stdin: PasswordStdinOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Set a new password, and end all sessions and grants of the user."""
    password = _read_password(from_stdin=password_stdin)

    async def change(server: AuthorizationServer) -> bool:
        return await server.set_password(name, password)

    if not run_on_data(_explaining_rules(change), config=config, data=data):
        raise CommandError(f"there is no user {name}")
    say(f"changed the password of {name}; every session and grant has ended")


@users.command("disable")
def disable_user(
    name: NameArgument, *, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Disable a user, and end all sessions and grants of the user."""
    _set_disabled(name, disabled=True, data=data, config=config)
    say(f"disabled {name}; every session and grant has ended")


@users.command("enable")
def enable_user(
    name: NameArgument, *, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Enable a disabled user. Ended sessions and grants stay ended."""
    _set_disabled(name, disabled=False, data=data, config=config)
    say(f"enabled {name}")


@users.command("delete")
def delete_user(
    name: NameArgument, *, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Delete a user with all sessions, grants and the audit trail."""

    async def delete(server: AuthorizationServer) -> bool:
        return await server.delete_user(name)

    if not run_on_data(delete, config=config, data=data):
        raise CommandError(f"there is no user {name}")
    say(f"deleted {name}; everything the user allowed is revoked")


@users.command("list")
def list_users(
    *, json: JsonOption = False, data: DataOption = None, config: ConfigOption = None
) -> None:
    """List all users, oldest first; --json adds the ids used in logs and files."""

    async def listed(server: AuthorizationServer) -> list[dict[str, str]]:
        found: list[dict[str, str]] = []
        cursor: str | None = None
        while True:
            page = await server.list_users(cursor=cursor, limit=_PAGE)
            found += [
                {"user": entry.entry_id, "actor": server.user_address(entry.entry_id)}
                for entry in page.entries
            ]
            cursor = page.next_cursor
            if cursor is None:
                return found

    found = run_on_data(listed, config=config, data=data)
    if json:
        print_json(found)
    else:
        print_lines(members["user"] for members in found)


@users.command("id")
def federated_id(
    *,
    issuer: Annotated[str, typer.Option(help="The `iss` of its assertions.")],
    subject: Annotated[str, typer.Option(help="The `sub` of its assertions.")],
    tenant: Annotated[
        str | None, typer.Option(help="Their `tenant`, if they have one.")
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Print the local name of a user of a trusted issuer."""

    async def name(server: AuthorizationServer) -> str:
        await trio.lowlevel.checkpoint()
        return server.federated_user_id(issuer, subject, tenant=tenant)

    typer.echo(run_on_data(name, config=config, data=data))


def _set_disabled(
    name: str, *, disabled: bool, data: Path | None, config: Path | None
) -> None:
    async def change(server: AuthorizationServer) -> bool:
        return await server.set_user_disabled(name, disabled=disabled)

    if not run_on_data(change, config=config, data=data):
        state = "disabled" if disabled else "enabled"
        raise CommandError(f"there is no user {name}, or the user is already {state}")


def _explaining_rules(
    command: Callable[[AuthorizationServer], Awaitable[bool]],
) -> Callable[[AuthorizationServer], Awaitable[bool]]:
    """Turn what the password rules say into the command's error."""

    async def explaining(server: AuthorizationServer) -> bool:
        try:
            return await command(server)
        except ValueError as error:
            raise CommandError(str(error)) from None

    return explaining


def _check_name(name: str) -> None:
    if not name or len(name) > _NAME_LENGTH:
        raise CommandError(f"a name has 1 to {_NAME_LENGTH} characters")
    # What cannot be seen makes two names look like one.
    if not name.isprintable() or name != name.strip():
        raise CommandError(
            "a name has only printable characters, and no space at either end"
        )


def _read_password(*, from_stdin: bool) -> str:
    if from_stdin:
        password = sys.stdin.readline(_PASSWORD_LENGTH).rstrip("\r\n")
    elif sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise CommandError("the two passwords differ")
    else:
        raise CommandError(
            "there is no terminal to ask for the password; use --password-stdin"
        )
    if not password:
        raise CommandError("the password is empty")
    return password
