"""Opens the vault, and puts its API behind the guard."""

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final, cast

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from hypercorn.typing import Scope as HypercornScope

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.config import Settings
from actor_oauth.config.vault_checks import API_PATH, VAULT_SCOPE
from actor_oauth.http.options import HttpOptions
from actor_oauth.http.vault import build_vault_api
from actor_oauth.provider.mounts import Mount
from actor_oauth.resource import verified_token
from actor_oauth.resource.asgi import ASGIApp, Receive, Scope, Send
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.host_rate import HostRate
from actor_oauth.upstream.vault import Vault, open_leftovers, open_vault

# One host may be where many users have something connected.
_RATE: Final = HostRate(burst=300, interval=0.05)
_FORBIDDEN: Final = b'{"error":"insufficient_scope"}'


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
        fetcher: The way to the web; one of its own if not given.
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


def vault_mount(settings: Settings, vault: Vault | None, base: str) -> list[Mount]:
    """Give where the vault's API is, if it is on.

    Args:
        settings: Of the provider.
        vault: Of its users.
        base: The issuer's path.
    """
    if vault is None or not settings.vault_api:
        return []
    path = base + settings.vault_prefix + API_PATH
    app = _api(vault, path, settings.http_options())
    return [Mount(path, app, (VAULT_SCOPE,))]


def _api(vault: Vault, path: str, options: HttpOptions) -> ASGIApp:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        token = verified_token(scope)
        # A client that speaks for itself, or somebody else's user, has nothing here.
        if token.principal != "user":
            await _forbid(send)
            return
        app = build_vault_api(vault, token.user_id, path=path, options=options)
        await app(
            cast("HypercornScope", scope),
            cast("ASGIReceiveCallable", receive),
            cast("ASGISendCallable", send),
        )

    return serve


async def _forbid(send: Send) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": _FORBIDDEN})
