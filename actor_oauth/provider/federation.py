"""Opens the services that users can sign in with."""

from contextlib import AsyncExitStack

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.config import Settings
from actor_oauth.upstream.federation import Federation, open_federation
from actor_oauth.upstream.fetch import Fetcher


async def open_federation_of(
    settings: Settings,
    server: AuthorizationServer,
    stack: AsyncExitStack,
    *,
    fetcher: Fetcher | None,
) -> Federation | None:
    """Open what people may sign in with, for as long as the stack.

    Args:
        settings: Of the provider.
        server: Whose users these are.
        stack: Closes it.
        fetcher: Fetches from the web; its own by default.

    Returns:
        None if no service is configured.
    """
    loopback = settings.loopback_upstreams
    policy = settings.federation_policy(loopback=loopback)
    if policy is None:
        return None
    return await stack.enter_async_context(
        open_federation(
            effects=server.effects,
            policy=policy,
            base=server.policy.issuer.removesuffix("/"),
            fetcher=fetcher or Fetcher(loopback=loopback),
        )
    )
