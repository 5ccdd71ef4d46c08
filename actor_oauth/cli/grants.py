"""`grants`: what a user has allowed which client."""

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.actors.user import GrantSummary
from actor_oauth.cli.options import ConfigOption, DataOption, JsonOption, NameArgument
from actor_oauth.cli.session import run_on_data
from actor_oauth.cli.terminal import CommandError, print_json, print_table, say

grants = typer.Typer(
    no_args_is_help=True, help="What each user has allowed each client."
)

_PAGE: Final = 500


@grants.command("list")
def list_grants(
    name: NameArgument,
    *,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """List the grants of a user that are in force."""

    async def listed(server: AuthorizationServer) -> list[GrantSummary]:
        found: list[GrantSummary] = []
        cursor: str | None = None
        while True:
            page = await server.list_user_grants(name, cursor=cursor, limit=_PAGE)
            found += page.grants
            cursor = page.next_cursor
            if cursor is None:
                break
        # An application may grant on behalf of people who have no account here.
        if not found and not await server.user_exists(name):
            raise CommandError(f"there is no user {name}")
        return found

    found = run_on_data(listed, config=config, data=data)
    if json:
        print_json([_members(grant) for grant in found])
    else:
        print_table(
            (
                "grant",
                "client",
                "resource",
                "scope",
                "since",
                "last used",
                "on the word of",
            ),
            (_row(grant) for grant in found),
        )


@grants.command("revoke")
def revoke_grant(
    name: NameArgument,
    grant: Annotated[
        str, typer.Argument(metavar="GRANT", help="The grant's id, from `grants list`.")
    ],
    *,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Revoke a grant: its tokens are refused from now on."""

    async def revoke(server: AuthorizationServer) -> bool:
        return await server.revoke_grant(name, grant)

    if not run_on_data(revoke, config=config, data=data):
        raise CommandError(f"{name} has no grant {grant} in force")
    say(f"revoked {grant}")


def _members(grant: GrantSummary) -> dict[str, object]:
    return {
        "grant_id": grant.grant_id,
        "client_id": grant.client_id,
        "resource": grant.resource,
        "scope": str(grant.scope),
        "created_at": grant.created_at,
        "last_used_at": grant.last_used_at,
        "expires_at": grant.expires_at,
        "origin": None if grant.origin is None else grant.origin.to_json(),
    }


def _row(grant: GrantSummary) -> tuple[str, ...]:
    return (
        grant.grant_id,
        grant.client_id,
        grant.resource,
        str(grant.scope),
        _time(grant.created_at),
        _time(grant.last_used_at),
        "" if grant.origin is None else grant.origin.issuer,
    )


def _time(seconds: int | None) -> str:
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
