"""The step-up challenge on a server that keeps FastMCP's own authentication."""

from typing import cast

from fastmcp import FastMCP
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.applications import Starlette

from actor_oauth.mcp.access import VerifiedAccessToken
from actor_oauth.mcp.caller import Caller
from actor_oauth.mcp.fastmcp.catalogue import FastMCPCatalogue
from actor_oauth.mcp.gate import judge_calls
from actor_oauth.resource import Answer, ResourceServer
from actor_oauth.resource.asgi import ASGIApp, Receive, Scope, Send


class StepUp:
    """ASGI middleware of a FastMCP server's application, behind its authentication.

    Args:
        app: The rest of the application.
        role: Makes the challenges.
    """

    def __init__(self, app: ASGIApp, role: ResourceServer) -> None:
        self._app = app
        self._role = role

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        user = scope.get("user")
        if isinstance(user, AuthenticatedUser):
            token = user.access_token
            if isinstance(token, VerifiedAccessToken) and _is_for_server(scope):
                receive, refusal = await self._judge(token, scope, receive)
                if refusal is not None:
                    await refusal(scope, receive, send)
                    return
        await self._app(scope, receive, send)

    async def _judge(
        self, token: VerifiedAccessToken, scope: Scope, receive: Receive
    ) -> tuple[Receive, Answer | None]:
        caller = Caller(token=token.info, scopes=token.held)

        def require(*names: str) -> Answer | None:
            if caller.has_scopes(*names):
                return None
            return self._role.insufficient_scope(*names, token=token.info)

        # FastMCP's own word for where its application keeps the server.
        server = cast("FastMCP[object]", _application(scope).state.fastmcp_server)
        return await judge_calls(
            FastMCPCatalogue(server), caller, scope, receive, require=require
        )


def _is_for_server(scope: Scope) -> bool:
    """Whether this is about MCP, and not one of the application's further routes."""
    path = str(_application(scope).state.path).rstrip("/")
    return str(scope["path"]).rstrip("/").endswith(path)


def _application(scope: Scope) -> Starlette:
    return cast("Starlette", scope["app"])
