"""`clients`: the applications that ask for access."""

from typing import Annotated, Final

import typer

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.cli.options import ConfigOption, DataOption, JsonOption
from actor_oauth.cli.session import run_on_data
from actor_oauth.cli.terminal import (
    CommandError,
    print_json,
    print_members,
    print_table,
    say,
)
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.registration import registration_response
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.wire import Refused

clients = typer.Typer(
    no_args_is_help=True, help="The applications that ask for access."
)

_PAGE: Final = 500


@clients.command("add")
def add_client(
    *,
    name: Annotated[str, typer.Option(help="Shown on the consent page.")],
    redirect_uri: Annotated[
        list[str] | None,
        typer.Option(help="Where answers may go; give it again for each further one."),
    ] = None,
    confidential: Annotated[
        bool,
        typer.Option(
            "--confidential", help="Draw a client secret, which is shown once."
        ),
    ] = False,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="Limit the client to this scope; may be given again."),
    ] = None,
    assertions: Annotated[
        bool,
        typer.Option(
            "--assertions",
            help="Let it present assertions of trusted issuers; then it needs no "
            "redirect URI.",
        ),
    ] = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Register a client that never expires, and print it."""
    limit = _parse_scopes(scope)

    async def add(server: AuthorizationServer) -> dict[str, Json] | Refused:
        made = await server.create_client(
            client_name=name,
            redirect_uris=redirect_uri or (),
            confidential=confidential,
            scope=limit,
            assertions=assertions,
        )
        return made if isinstance(made, Refused) else made.to_json()

    answer = run_on_data(add, config=config, data=data)
    if isinstance(answer, Refused):
        raise CommandError(answer.detail or answer.reason.description)
    if json:
        print_json(answer)
        return
    print_members(answer)
    if "client_secret" in answer:
        say("keep the client_secret: only its hash is stored")


@clients.command("list")
def list_clients(
    *, json: JsonOption = False, data: DataOption = None, config: ConfigOption = None
) -> None:
    """List all clients, oldest first."""

    async def listed(server: AuthorizationServer) -> list[Client]:
        found: list[Client] = []
        cursor: str | None = None
        while True:
            page, cursor = await server.list_clients(cursor=cursor, limit=_PAGE)
            found += page
            if cursor is None:
                return found

    found = run_on_data(listed, config=config, data=data)
    if json:
        print_json(
            [
                {**registration_response(client), "origin": client.origin}
                for client in found
            ]
        )
    else:
        print_table(
            ("client_id", "name", "origin", "method", "redirect_uris"),
            (_row(client) for client in found),
        )


@clients.command("delete")
def delete_client(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT_ID")],
    *,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Delete a client, and revoke all that any user granted to it."""

    async def delete(server: AuthorizationServer) -> bool:
        return await server.delete_client(client_id)

    if not run_on_data(delete, config=config, data=data):
        raise CommandError(f"there is no client {client_id}")
    say(f"deleted {client_id}; every grant of it is revoked")


@clients.command("token")
def issue_token(
    *,
    label: Annotated[str, typer.Option(help="A name for it, to revoke it by.")],
    uses: Annotated[
        int | None,
        typer.Option(min=1, help="How many clients it may register; else any number."),
    ] = None,
    seconds: Annotated[
        int | None, typer.Option(min=1, help="How long it is good; else for ever.")
    ] = None,
    revoke: Annotated[
        bool,
        typer.Option("--revoke", help="Revoke the tokens of that name instead."),
    ] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Print an initial access token, with which clients may register themselves.

    Clients need one if the setting `registration_token_required` is on.
    """

    async def issue(server: AuthorizationServer) -> str | None:
        return await server.registrations.issue_initial_token(
            label, lifetime=seconds, uses=uses
        )

    async def end(server: AuthorizationServer) -> int:
        return await server.registrations.revoke_initial_tokens(label)

    if revoke:
        say(f"revoked {run_on_data(end, config=config, data=data)}")
        return
    token = run_on_data(issue, config=config, data=data)
    if token is None:
        raise CommandError("there are too many initial access tokens; revoke some")
    typer.echo(token)
    say("keep the token: only its hash is stored")


def _parse_scopes(words: list[str] | None) -> Scope | None:
    if words is None:
        return None
    scope = parse_scope(" ".join(words))
    if scope is None:
        raise CommandError('--scope is no scope of RFC 6749: words without " or \\')
    return scope


def _row(client: Client) -> tuple[str, ...]:
    return (
        client.client_id,
        client.client_name or "",
        client.origin,
        client.auth_method,
        " ".join(client.redirect_uris),
    )
