"""Opens a provider's HTTP side: the guarded applications, the endpoints, the pages."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from actor_oauth.http.addresses import addresses_of
from actor_oauth.http.app import build_app
from actor_oauth.provider.authority import Authority
from actor_oauth.provider.mounts import dispatch_to, forward_auth, guard_mounts
from actor_oauth.provider.parts import Parts, RunningProvider
from actor_oauth.provider.vault_api import vault_mount
from actor_oauth.resource.asgi import ASGIApp


@asynccontextmanager
async def open_provider(
    parts: Parts, authority: Authority
) -> AsyncIterator[RunningProvider]:
    """Run the MCP servers for as long as the block lasts, and build the application.

    Args:
        parts: Of this provider.
        authority: What decides.
    """
    server, vault = authority.server, authority.vault
    async with AsyncExitStack() as stack:
        for endpoint in parts.endpoints:
            await stack.enter_async_context(endpoint.run())
        base = addresses_of(server.policy.issuer).base
        mounts = [*parts.mounts, *vault_mount(parts.settings, vault, base)]
        guarded = guard_mounts(mounts, server)
        applications: dict[str, ASGIApp] = {
            **{mount.path: mount.app for mount in parts.public},
            **{mount.path: mount.guard for mount in guarded},
        }
        wants_checks = parts.settings.auth_check_enabled
        checks = {f"{base}/auth/check": forward_auth(server)} if wants_checks else {}
        pages = build_app(
            server,
            options=parts.settings.http_options(),
            pages=None if parts.pages is None else parts.pages(server),
            vault=vault,
            federation=authority.federation,
            own_identity=parts.own_identity,
        )
        yield RunningProvider(
            server=server,
            app=dispatch_to(applications, pages, exact=checks),
            data=parts.settings.data,
            guards=[mount.guard for mount in guarded],
            guarded_paths=[mount.path for mount in guarded],
            endpoints=parts.endpoints,
            vault=vault,
            federation=authority.federation,
        )
