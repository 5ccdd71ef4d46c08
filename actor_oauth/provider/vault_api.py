"""Puts the vault's API behind the guard."""

from typing import Final, cast

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from hypercorn.typing import Scope as HypercornScope

from actor_oauth.config import Settings
from actor_oauth.config.vault_checks import API_PATH, VAULT_SCOPE
from actor_oauth.http.options import HttpOptions
from actor_oauth.http.vault import build_vault_api
from actor_oauth.provider.mounts import Mount
from actor_oauth.resource import verified_token
from actor_oauth.resource.asgi import ASGIApp, Receive, Scope, Send
from actor_oauth.upstream.vault import Vault

_FORBIDDEN: Final = b'{"error":"insufficient_scope"}'


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
        # A client that acts for itself, or another server's user, has nothing here.
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
