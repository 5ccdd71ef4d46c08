"""`users`: the people who can sign in."""

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
        raise CommandError(f"there is a user {name} already; see users set-password")
    say(f"added {name}")


@users.command("set-password")
def set_password(
    name: NameArgument,
    *,
    password_stdin: PasswordStdinOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Give a user a new password, and end all that user's sessions and grants."""
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
    """Keep a user out, and end all that user's sessions and grants."""
    _set_disabled(name, disabled=True, data=data, config=config)
    say(f"disabled {name}; every session and grant has ended")


@users.command("enable")
def enable_user(
    name: NameArgument, *, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Let a user in again who was disabled. What had ended stays ended."""
    _set_disabled(name, disabled=False, data=data, config=config)
    say(f"enabled {name}")


@users.command("delete")
def delete_user(
    name: NameArgument, *, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Delete a user, with every session, grant and the audit trail."""

    async def delete(server: AuthorizationServer) -> bool:
        return await server.delete_user(name)

    if not run_on_data(delete, config=config, data=data):
        raise CommandError(f"there is no user {name}")
    say(f"deleted {name}; nothing that the user allowed is in force")


@users.command("list")
def list_users(
    *, json: JsonOption = False, data: DataOption = None, config: ConfigOption = None
) -> None:
    """List all users, oldest first; with --json also as logs and files name them."""

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
    issuer: Annotated[str, typer.Option(help="As in the `iss` of its assertions.")],
    subject: Annotated[str, typer.Option(help="As in their `sub`.")],
    tenant: Annotated[
        str | None, typer.Option(help="As in their `tenant`, if they have one.")
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Print the name, here, of somebody whom a trusted issuer knows."""

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
        raise CommandError(f"there is no user {name}, or the user is {state} already")


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
            "no terminal to ask for the password; use --password-stdin and give it "
            "on standard input"
        )
    if not password:
        raise CommandError("the password is empty")
    return password
