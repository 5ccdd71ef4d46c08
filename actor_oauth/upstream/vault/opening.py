"""Opening the vaults of all users, or their maintenance while they are off."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from actor_oauth.actors.callbacks import Callbacks, ObservedError
from actor_oauth.actors.effects import Effects
from actor_oauth.oauth.upstream.policy import VaultPolicy
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.registering import UpstreamClients
from actor_oauth.upstream.token_calls import TokenCalls
from actor_oauth.upstream.vault.reporting import Observe, Reporter
from actor_oauth.upstream.vault.revocations import Revocations
from actor_oauth.upstream.vault.upkeep import Upkeep
from actor_oauth.upstream.vault.vault import Vault


def _unobserved(_error: ObservedError) -> None:
    """Tell nobody."""


@asynccontextmanager
async def open_vault(
    *,
    effects: Effects,
    policy: VaultPolicy,
    fetcher: Fetcher,
    callbacks: Callbacks | None = None,
    observe: Observe | None = None,
) -> AsyncIterator[Vault]:
    """Keep vaults for as long as the block lasts.

    Args:
        effects: Actors, keys, time and randomness.
        policy: What the operator decided.
        fetcher: Fetches from the web.
        callbacks: The application's, which may name a connection.
        observe: Receives what `on_error` is told; None if there is no such callback.
    """
    async with trio.open_nursery() as nursery:
        vault = Vault(
            effects,
            policy,
            fetcher,
            callbacks or Callbacks(),
            observe or _unobserved,
            nursery,
        )
        nursery.start_soon(vault.upkeep.run)
        yield vault
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_leftovers(
    *, effects: Effects, policy: VaultPolicy, fetcher: Fetcher, observe: Observe
) -> AsyncIterator[Upkeep]:
    """Maintain what users connected while the vault was on, now that it is off.

    Tokens of users who are deleted are revoked, and secrets sealed with new keys.

    Args:
        effects: Actors, keys, time and randomness.
        policy: What the operator decided, of which only the credentials count.
        fetcher: Fetches from the web.
        observe: Receives what `on_error` is told.
    """
    async with trio.open_nursery() as nursery:
        clients = UpstreamClients(effects, fetcher, policy, nursery)
        calls = TokenCalls(effects, fetcher)
        reporter = Reporter(observe)
        upkeep = Upkeep(
            effects, Revocations(effects, calls, clients, reporter, nursery)
        )
        nursery.start_soon(upkeep.run)
        yield upkeep
        nursery.cancel_scope.cancel()
