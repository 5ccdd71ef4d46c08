"""Opens the authorization server and its upstream clients, without answering requests."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import trio

from actor_oauth.actors.authorization_server import ACTOR_KINDS, AuthorizationServer
from actor_oauth.actors.callbacks import open_callbacks
from actor_oauth.config.data_directory import prepare_data_directory
from actor_oauth.provider.federation import open_federation_of
from actor_oauth.provider.keyring_following import keyring_for
from actor_oauth.provider.parts import Parts
from actor_oauth.provider.vault import open_vault_of
from actor_oauth.runtime import LocalEngine, open_system
from actor_oauth.upstream.client_logos import open_client_logos
from actor_oauth.upstream.federation import Federation
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.published_clients import open_published_clients
from actor_oauth.upstream.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """All of a provider but its HTTP side. The attributes are `RunningProvider`'s."""

    server: AuthorizationServer
    vault: Vault | None
    federation: Federation | None


@asynccontextmanager
async def open_authority(parts: Parts) -> AsyncIterator[Authority]:
    """Open the data directory and run the actors for as long as the block lasts.

    Raises:
        ConfigError: The data directory or its keyring cannot be used.
    """
    async with AsyncExitStack() as stack:
        server = await _open_server(parts, stack)
        vault = await open_vault_of(
            parts.settings,
            server,
            stack,
            callbacks=parts.callbacks,
            fetcher=parts.fetcher,
        )
        if vault is not None:
            server.before_deletion(vault.remove_all)
        federation = await open_federation_of(
            parts.settings, server, stack, fetcher=parts.fetcher
        )
        yield Authority(server=server, vault=vault, federation=federation)


async def _open_server(parts: Parts, stack: AsyncExitStack) -> AuthorizationServer:
    """Open what the authorization server works with, and then itself."""
    settings = parts.settings
    directory = await trio.to_thread.run_sync(
        partial(prepare_data_directory, settings.data, entropy=parts.entropy)
    )
    keyring = await keyring_for(parts.policy, directory, entropy=parts.entropy)
    system = await stack.enter_async_context(
        open_system(
            LocalEngine(directory),
            (*ACTOR_KINDS, *parts.actors),
            limits=settings.runtime_limits(),
            clock=parts.clock,
        )
    )
    fetcher = parts.fetcher or Fetcher(loopback=parts.policy.loopback_documents)
    published = await stack.enter_async_context(
        open_published_clients(
            system=system, policy=parts.policy, clock=parts.clock, fetcher=fetcher
        )
    )
    logos = None
    if parts.policy.consent.shows_logos:
        logos = await stack.enter_async_context(
            open_client_logos(system=system, clock=parts.clock, fetcher=fetcher)
        )
    callbacks = await stack.enter_async_context(
        open_callbacks(parts.callbacks, entropy=parts.entropy)
    )
    return AuthorizationServer(
        callbacks=callbacks,
        system=system,
        policy=parts.policy,
        keyring=keyring,
        clock=parts.clock,
        entropy=parts.entropy,
        publications=published,
        logos=logos,
    )
