"""`clients update`, `disable` and `enable`: what an operator changes about a client."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.cli.options import ConfigOption, DataOption, JsonOption
from actor_oauth.cli.session import run_on_data
from actor_oauth.cli.terminal import CommandError, print_json, print_members, say
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.registration import registration_response
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.wire import Reason, Refused

ClientArgument: TypeAlias = Annotated[str, typer.Argument(metavar="CLIENT_ID")]


def update_client(
    client_id: ClientArgument,
    *,
    name: Annotated[str | None, typer.Option(help="New name.")] = None,
    redirect_uri: Annotated[
        list[str] | None,
        typer.Option(help="Replaces all redirect URIs; may be given again."),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="Limit it to this scope from now on; may be given again."),
    ] = None,
    any_scope: Annotated[
        bool, typer.Option("--any-scope", help="Remove the limit.")
    ] = False,
    resource: Annotated[
        list[str] | None,
        typer.Option(help="Limit a service to this resource; may be given again."),
    ] = None,
    new_secret: Annotated[
        bool,
        typer.Option(
            "--new-secret",
            help="Generate a new secret; the old one stops working once the new one is "
            "used.",
        ),
    ] = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Change a client, and print it. Existing grants stay as they are."""
    limit = parse_scopes(scope)
    if any_scope and limit is not None:
        raise CommandError("--scope and --any-scope exclude each other")

    async def update(server: AuthorizationServer) -> dict[str, Json] | Refused:
        client = await server.update_client(
            client_id,
            client_name=name,
            redirect_uris=redirect_uri,
            scope=limit,
            any_scope=any_scope,
            resources=resource,
        )
        if isinstance(client, Refused):
            return client
        if not new_secret:
            return registration_response(client)
        secret = await server.rotate_client_secret(client_id)
        if secret is None:
            raise CommandError(f"client {client_id} has no secret")
        return registration_response(client, secret)

    answer = run_on_data(update, config=config, data=data)
    if isinstance(answer, Refused):
        if answer.reason is Reason.CLIENT_UNKNOWN:
            raise CommandError(f"there is no active client {client_id}")
        raise CommandError(answer.detail or answer.reason.description)
    print_client(answer, as_json=json)


def disable_client(
    client_id: ClientArgument, *, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Disable a client, and revoke everything granted to it."""
    _set_disabled(client_id, disabled=True, data=data, config=config)
    say(f"disabled {client_id}; every grant of it is revoked")


def enable_client(
    client_id: ClientArgument, *, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Enable a disabled client. Revoked grants stay revoked."""
    _set_disabled(client_id, disabled=False, data=data, config=config)
    say(f"enabled {client_id}")


def parse_scopes(words: list[str] | None) -> Scope | None:
    """Read what `--scope` was given; None if it was not."""
    if words is None:
        return None
    scope = parse_scope(" ".join(words))
    if scope is None:
        raise CommandError('--scope is no scope of RFC 6749: words without " or \\')
    return scope


def _set_disabled(
    client_id: str, *, disabled: bool, data: Path | None, config: Path | None
) -> None:
    async def change(server: AuthorizationServer) -> bool:
        return await server.set_client_disabled(client_id, disabled=disabled)

    if not run_on_data(change, config=config, data=data):
        state = "disabled" if disabled else "enabled"
        raise CommandError(f"there is no client {client_id}, or it is already {state}")


def print_client(members: dict[str, Json], *, as_json: bool) -> None:
    """Print a client as it was registered, with its secret if that is new."""
    if as_json:
        print_json(members)
        return
    print_members(members)
    if "client_secret" in members:
        say("keep the client_secret: only its hash is stored")
