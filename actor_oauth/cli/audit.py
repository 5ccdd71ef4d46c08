"""`audit`: what happened to a user's account and grants."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.actors.user import AuditEvent
from actor_oauth.cli.options import ConfigOption, DataOption, JsonOption
from actor_oauth.cli.session import run_on_data
from actor_oauth.cli.terminal import CommandError, print_json, print_table, say

# As the log names the grant that a refused request was about, or an actor.
_LOGGED: Final = re.compile(r"(user/[0-9a-f]{32})(?:/([0-9a-f]{8}))?")


def audit(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="The user's name, or a `grant` or `actor` from the log.",
        ),
    ],
    *,
    limit: Annotated[
        int, typer.Option(min=1, max=256, help="Maximum number of events.")
    ] = 256,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show the security events of a user, newest first."""

    async def trail(server: AuthorizationServer) -> tuple[AuditEvent, ...]:
        user, grant = await _find(server, name)
        events = await server.audit_trail(user, limit=limit)
        if not events:
            raise CommandError(f"there are no events of a user {user}")
        return tuple(event for event in events if grant in (None, event.grant_id))

    events = run_on_data(trail, config=config, data=data)
    if json:
        print_json([_members(event) for event in events])
    else:
        print_table(("at", "event", "grant", "detail"), (_row(e) for e in events))


async def _find(server: AuthorizationServer, name: str) -> tuple[str, str | None]:
    """The user, and the grant whose events are wanted if not all are."""
    logged = _LOGGED.fullmatch(name)
    if logged is None:
        return name, None
    user = await server.user_at(logged[1])
    if user is None:
        raise CommandError(f"there is no user at {logged[1]} (any more)")
    say(f"{logged[1]} is {user}")
    return user, logged[2]


def _members(event: AuditEvent) -> dict[str, str | int | None]:
    return {
        "at": event.at,
        "event": event.kind,
        "grant_id": event.grant_id,
        "detail": event.detail,
    }


def _row(event: AuditEvent) -> tuple[str, ...]:
    at = datetime.fromtimestamp(event.at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return at, event.kind, event.grant_id or "", event.detail or ""
