"""`purge`: erase expired data now."""

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.cli.options import ConfigOption, DataOption
from actor_oauth.cli.session import run_on_data
from actor_oauth.cli.terminal import say


def purge(*, data: DataOption = None, config: ConfigOption = None) -> None:
    """Erase all expired data now, which the server otherwise does within the hour.

    It can be interrupted and run again.
    """

    async def everything(server: AuthorizationServer) -> int:
        visited, cursor = 0, None
        while True:
            step = await server.purge_expired_data(cursor=cursor)
            visited, cursor = visited + step.visited, step.next_cursor
            if cursor is None:
                return visited

    say(f"looked at {run_on_data(everything, config=config, data=data)} actors")
