"""`clients`: the applications that ask for access."""

from collections.abc import Mapping
from typing import Annotated, Final

import typer

from actor_oauth.actors.authorization_server import AuthorizationServer, NewClient
from actor_oauth.cli.client_changes import (
    ClientArgument,
    disable_client,
    enable_client,
    parse_scopes,
    print_client,
    update_client,
)
from actor_oauth.cli.initial_tokens import issue_token
from actor_oauth.cli.options import ConfigOption, DataOption, JsonOption
from actor_oauth.cli.session import run_on_data, settings_of
from actor_oauth.cli.terminal import CommandError, print_json, print_table, say
from actor_oauth.oauth.clients import GRANT_TYPES, Client
from actor_oauth.oauth.grant_types import DEVICE_CODE, IMPLICIT, TOKEN_EXCHANGE
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.registration import registration_response
from actor_oauth.oauth.scopes import Scope
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
        typer.Option(help="Where responses are sent; may be given again."),
    ] = None,
    confidential: Annotated[
        bool,
        typer.Option(
            "--confidential", help="Generate a client secret, which is shown once."
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
            help="Let it present assertions of trusted issuers; it then needs no "
            "redirect URI.",
        ),
    ] = False,
    device: Annotated[
        bool,
        typer.Option(
            "--device",
            help="Let it ask without a browser of its own, as a television does; it then "
            "needs no redirect URI.",
        ),
    ] = False,
    exchange: Annotated[
        bool,
        typer.Option("--exchange", help="Let it trade access tokens for lesser ones."),
    ] = False,
    service: Annotated[
        bool,
        typer.Option(
            "--service", help="It acts for itself and never for a user; needs --scope."
        ),
    ] = False,
    resource: Annotated[
        list[str] | None,
        typer.Option(help="Limit a service to this resource; may be given again."),
    ] = None,
    post_logout_redirect_uri: Annotated[
        list[str] | None,
        typer.Option(
            help="Where users may be sent after signing out; may be given again."
        ),
    ] = None,
    implicit: Annotated[
        bool,
        typer.Option("--implicit", help="Legacy: register it for the implicit grant."),
    ] = False,
    plain_pkce: Annotated[
        bool, typer.Option("--plain-pkce", help="Legacy: let it use plain PKCE.")
    ] = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Register a client that never expires, and print it."""
    limit = parse_scopes(scope)
    metadata = _metadata(
        {IMPLICIT: implicit, DEVICE_CODE: device, TOKEN_EXCHANGE: exchange},
        redirects=bool(redirect_uri),
        post_logout_redirect_uris=post_logout_redirect_uri,
        plain=plain_pkce,
    )
    unfit = redirect_uri or confidential or assertions or metadata
    if service and (unfit or limit is None):
        raise CommandError(
            "--service needs --scope, and allows only --resource besides"
        )
    if resource and not service:
        raise CommandError("--resource is only for --service clients")
    if not (redirect_uri or service or assertions or device):
        raise CommandError(
            "specify --redirect-uri, --service, --assertions or --device"
        )

    async def add(server: AuthorizationServer) -> NewClient | Refused:
        if service:
            return await server.create_service_client(
                client_name=name, scope=limit or Scope(), resources=resource or ()
            )
        return await server.create_client(
            client_name=name,
            redirect_uris=redirect_uri or (),
            confidential=confidential,
            scope=limit,
            assertions=assertions,
            metadata=metadata,
        )

    made = run_on_data(add, config=config, data=data, begins=True)
    if isinstance(made, Refused):
        raise CommandError(made.detail or made.reason.description)
    print_client(made.to_json(), as_json=json)
    if service and not settings_of(config=config, data=data).client_credentials_enabled:
        say("it can get tokens once the setting client_credentials_enabled is on")


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
    client_id: ClientArgument, *, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Delete a client, and revoke everything granted to it."""

    async def delete(server: AuthorizationServer) -> bool:
        return await server.delete_client(client_id)

    if not run_on_data(delete, config=config, data=data):
        raise CommandError(f"there is no client {client_id}")
    say(f"deleted {client_id}; every grant of it is revoked")


clients.command("update")(update_client)
clients.command("disable")(disable_client)
clients.command("enable")(enable_client)
clients.command("token")(issue_token)


def _row(client: Client) -> tuple[str, ...]:
    return (
        client.client_id,
        client.client_name or "",
        client.origin,
        client.auth_method,
        " ".join(client.redirect_uris),
    )


def _metadata(
    further: Mapping[str, bool],
    *,
    redirects: bool,
    post_logout_redirect_uris: list[str] | None,
    plain: bool,
) -> dict[str, Json]:
    """Give what RFC 7591 calls the things that were asked for.

    Args:
        further: Grant types besides the usual ones, and whether each is asked for.
        redirects: Whether it has redirect URIs. Without one there are no codes, but
            there may be refresh tokens.
        post_logout_redirect_uris: Of OpenID Connect.
        plain: Whether it may use plain PKCE.
    """
    metadata: dict[str, Json] = {}
    if post_logout_redirect_uris:
        metadata["post_logout_redirect_uris"] = [*post_logout_redirect_uris]
    if any(further.values()):
        usual = GRANT_TYPES if redirects else GRANT_TYPES[1:]
        wanted = (name for name, asked in further.items() if asked)
        metadata["grant_types"] = [*usual, *wanted]
    if further[IMPLICIT]:
        metadata["response_types"] = ["code", "token"]
    if plain:
        metadata["plain_pkce"] = True
    return metadata
