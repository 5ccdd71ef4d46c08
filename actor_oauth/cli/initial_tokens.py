"""`clients token`: initial access tokens, with which clients register themselves."""

from typing import Annotated

import typer

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.cli.options import ConfigOption, DataOption
from actor_oauth.cli.session import run_on_data
from actor_oauth.cli.terminal import CommandError, say


def issue_token(
    *,
    label: Annotated[str, typer.Option(help="A name for it, to revoke it by.")],
    uses: Annotated[
        int | None,
        typer.Option(
            min=1, help="How many clients it may register; default any number."
        ),
    ] = None,
    seconds: Annotated[
        int | None, typer.Option(min=1, help="Lifetime in seconds; default unlimited.")
    ] = None,
    revoke: Annotated[
        bool,
        typer.Option("--revoke", help="Revoke the tokens with this label instead."),
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
    token = run_on_data(issue, config=config, data=data, begins=True)
    if token is None:
        raise CommandError(
            "there are too many initial access tokens; revoke some with --revoke"
        )
    typer.echo(token)
    say("keep the token: only its hash is stored")
