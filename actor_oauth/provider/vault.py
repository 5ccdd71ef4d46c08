"""Opens the vault, or the maintenance of its contents while it is off."""

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.config import Settings
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.host_rate import HostRate
from actor_oauth.upstream.vault import Vault, open_leftovers, open_vault

# One host may be where many users have something connected.
_RATE: Final = HostRate(burst=300, interval=0.05)


async def open_vault_of(
    settings: Settings,
    server: AuthorizationServer,
    stack: AsyncExitStack,
    *,
    callbacks: Callbacks,
    fetcher: Fetcher | None,
) -> Vault | None:
    """Open the vault if it is on, for as long as the stack.

    While it is off, what it holds is still looked after.

    Args:
        settings: Of the provider.
        server: Whose users these are.
        stack: Closes it.
        callbacks: The application's.
        fetcher: Fetches from the web; its own by default.
    """
    policy = settings.vault_policy(server.policy.issuer)
    effects = server.effects
    fetcher = fetcher or Fetcher(loopback=policy.loopback, rate=_RATE)
    if not settings.vault_enabled:
        await stack.enter_async_context(
            open_leftovers(
                effects=effects,
                policy=policy,
                fetcher=fetcher,
                observe=server.refusals.observe,
            )
        )
        return None
    clients, resources = settings.kept_connections()
    policy = replace(
        policy,
        clients=(*policy.clients, *clients),
        resources=(*policy.resources, *resources),
    )
    return await stack.enter_async_context(
        open_vault(
            effects=effects,
            policy=policy,
            fetcher=fetcher,
            callbacks=callbacks,
            observe=server.refusals.observe,
        )
    )
