"""`audit`: what happened to a user's account and grants."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.actors.user import AuditEvent
from actor_oauth.cli.options import ConfigOption, DataOption, JsonOption, NameArgument
from actor_oauth.cli.session import run_on_data
from actor_oauth.cli.terminal import CommandError, print_json, print_table


def audit(
    name: NameArgument,
    *,
    limit: Annotated[
        int, typer.Option(min=1, max=256, help="How many events at most.")
    ] = 256,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show the security events of a user, newest first."""

    async def trail(server: AuthorizationServer) -> tuple[AuditEvent, ...]:
        return await server.audit_trail(name, limit=limit)

    events = run_on_data(trail, config=config, data=data)
    if not events:
        raise CommandError(f"nothing is known of a user {name}")
    if json:
        print_json([_members(event) for event in events])
    else:
        print_table(("at", "event", "grant", "detail"), (_row(e) for e in events))


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
