"""Opens everything that a provider consists of, each part for as long as the block."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import trio

from actor_oauth.actors.authorization_server import ACTOR_KINDS, AuthorizationServer
from actor_oauth.actors.callbacks import Callbacks, open_callbacks
from actor_oauth.config import Settings, prepare_data_directory
from actor_oauth.http import build_app
from actor_oauth.http.addresses import addresses_of
from actor_oauth.http.own_identity import OwnIdentity
from actor_oauth.oauth.policy import Policy
from actor_oauth.provider.federation import open_federation_of
from actor_oauth.provider.keyring_following import keyring_for
from actor_oauth.provider.mounts import (
    Mount,
    dispatch_to,
    forward_auth,
    guard_mounts,
)
from actor_oauth.provider.vault import open_vault_of, vault_mount
from actor_oauth.resource import BearerGuard
from actor_oauth.resource.asgi import ASGIApp
from actor_oauth.runtime import Actor, Clock, Entropy, LocalEngine, open_system
from actor_oauth.upstream.client_logos import open_client_logos
from actor_oauth.upstream.federation import Federation
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.published_clients import open_published_clients
from actor_oauth.upstream.vault import Vault

if TYPE_CHECKING:
    # Loading the SDK takes longer than all the rest: only who serves MCP pays for it.
    from actor_oauth.mcp.guarded import GuardedTransport


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a provider is made of. See `Provider` for what each one is."""

    settings: Settings
    policy: Policy
    clock: Clock
    entropy: Entropy
    pages: Callable[[AuthorizationServer], ASGIApp] | None
    fetcher: Fetcher | None
    callbacks: Callbacks
    own_identity: OwnIdentity | None
    actors: Sequence[type[Actor]]
    mounts: list[Mount] = field(default_factory=list)
    endpoints: "list[GuardedTransport]" = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningProvider:
    """An open provider.

    Attributes:
        server: The authorization server; its methods are the helper API.
        app: The whole provider as one ASGI application.
        guards: Those of the protected applications.
        endpoints: The MCP servers among these.
        vault: Connections of users to other services; None if that is off.
        federation: Services that people may sign in with; None if there is none.
    """

    server: AuthorizationServer
    app: ASGIApp
    guards: Sequence[BearerGuard]
    endpoints: "Sequence[GuardedTransport]"
    vault: Vault | None = None
    federation: Federation | None = None

    def end_event_streams(self) -> None:
        """End the streams that would hold an orderly stop for as long as it may take.

        Answers that end by themselves are not touched.
        """
        for guard in self.guards:
            guard.end_event_streams()
        for endpoint in self.endpoints:
            endpoint.end_listening()


@asynccontextmanager
async def open_provider(parts: Parts) -> AsyncIterator[RunningProvider]:
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
        for endpoint in parts.endpoints:
            await stack.enter_async_context(endpoint.run())
        base = addresses_of(server.policy.issuer).base
        mounts = [*parts.mounts, *vault_mount(parts.settings, vault, base)]
        guarded = guard_mounts(mounts, server)
        wants_checks = parts.settings.auth_check_enabled
        checks = {f"{base}/auth/check": forward_auth(server)} if wants_checks else {}
        pages = build_app(
            server,
            options=parts.settings.http_options(),
            pages=None if parts.pages is None else parts.pages(server),
            vault=vault,
            federation=federation,
            own_identity=parts.own_identity,
        )
        yield RunningProvider(
            server=server,
            app=dispatch_to(guarded, pages, exact=checks),
            guards=[mount.guard for mount in guarded],
            endpoints=parts.endpoints,
            vault=vault,
            federation=federation,
        )


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
