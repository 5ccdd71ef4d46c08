"""The step-up challenge for servers that use our tokens with their own authentication."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias, TypeVar, cast

from mcp.server.auth.middleware.bearer_auth import (
    AuthenticatedUser,
    RequireAuthMiddleware,
)
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Match

from actor_oauth.mcp.access import VerifiedAccessToken
from actor_oauth.mcp.caller import Caller
from actor_oauth.mcp.catalogue import Catalogue, ServerCatalogue
from actor_oauth.mcp.gate import judge_calls
from actor_oauth.mcp.middleware import hide_offers
from actor_oauth.resource import Answer, ResourceServer
from actor_oauth.resource.asgi import ASGIApp, Receive, Scope, Send

LifespanResult = TypeVar("LifespanResult")

CatalogueOf: TypeAlias = Callable[[Scope], Catalogue]
"""Gives what the server behind a request offers."""


class StepUp:
    """ASGI middleware of an MCP server's application, behind its authentication.

    Args:
        app: The rest of the application.
        role: Makes the challenges.
        catalogue_of: See `CatalogueOf`.
    """

    def __init__(
        self, app: ASGIApp, role: ResourceServer, catalogue_of: CatalogueOf
    ) -> None:
        self._app = app
        self._role = role
        self._catalogue_of = catalogue_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        token = self._token_of(scope)
        if token is not None:
            receive, refusal = await self._judge(token, scope, receive)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _token_of(self, scope: Scope) -> VerifiedAccessToken | None:
        """The caller's, if this is about MCP, and not one of the application's routes."""
        user = scope.get("user")
        if scope["type"] != "http" or not isinstance(user, AuthenticatedUser):
            return None
        token = user.access_token
        if not isinstance(token, VerifiedAccessToken):
            return None
        return token if _leads_to_mcp(scope) else None

    async def _judge(
        self, token: VerifiedAccessToken, scope: Scope, receive: Receive
    ) -> tuple[Receive, Answer | None]:
        caller = Caller(token=token.info, scopes=token.held)

        def require(*names: str) -> Answer | None:
            if caller.has_scopes(*names):
                return None
            return self._role.insufficient_scope(*names, token=token.info)

        return await judge_calls(
            self._catalogue_of(scope), caller, scope, receive, require=require
        )


def _leads_to_mcp(scope: Scope) -> bool:
    """Tell whether the application's router hands a request to its MCP server.

    The path of the resource does not tell: a proxy may have taken some of it away, or put
    something before it, and another route may end in the same words.
    """
    for route in cast("Starlette", scope["app"]).routes:
        if route.matches(scope)[0] is Match.FULL:
            # Both SDKs put this, and nothing else, around their transport.
            endpoint = getattr(route, "endpoint", None)
            return isinstance(endpoint, RequireAuthMiddleware)
    return False


def with_permissions(
    server: MCPServer[LifespanResult], app: Starlette, role: ResourceServer
) -> Starlette:
    """Add to a server with the SDK's authentication what the guard's endpoint does.

    Args:
        server: Authenticates by itself, on our tokens.
        app: The server's own, before it has served anything.
        role: As for `StepUp`.
    """
    catalogue = ServerCatalogue(server)
    hide_offers(server, catalogue)
    # The last of these comes after the SDK's authentication.
    app.user_middleware.append(
        Middleware(StepUp, role=role, catalogue_of=partial(_always, catalogue))
    )
    return app


def _always(catalogue: Catalogue, _: Scope) -> Catalogue:
    return catalogue
