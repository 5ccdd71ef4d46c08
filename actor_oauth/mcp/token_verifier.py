"""For servers that use the SDK's own authentication: its `TokenVerifier`.

mcp = MCPServer("notes", token_verifier=verifier, auth=verifier.auth_settings())
app = verifier.with_permissions(mcp, mcp.streamable_http_app())
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette

from actor_oauth.mcp.access import VerifiedAccessToken
from actor_oauth.mcp.sdk_urls import as_written
from actor_oauth.mcp.step_up import with_permissions
from actor_oauth.oauth.policy import ResourcePolicy
from actor_oauth.oauth.tokens import AccessTokenInfo
from actor_oauth.resource import ResourceServer

LifespanResult = TypeVar("LifespanResult")

ValidateToken = Callable[[str, str], Awaitable[AccessTokenInfo | None]]


class ActorTokenVerifier:
    """Answers the SDK's question about a token by asking the authorization server.

    The guard says more than the SDK does: a bare first challenge with the scope to ask
    for, 503 rather than 500 when a token cannot be checked, and an end to streams whose
    token was revoked. Prefer `MCPEndpoint` behind it where there is a choice.

    Args:
        resource: What the MCP server is protected as.
        issuer: Identifier of the authorization server.
        validate_token: `(resource identifier, token)` to what it is good for, or None.
    """

    def __init__(
        self, resource: ResourcePolicy, *, issuer: str, validate_token: ValidateToken
    ) -> None:
        self._resource = resource
        self._issuer = issuer
        self._validate_token = validate_token

    async def verify_token(self, token: str) -> AccessToken | None:
        """Give what the token allows, or None if it allows nothing here.

        Raises:
            ActorError: It could not be checked. Never None for that, which the SDK
                would tell the client as 401.
        """
        info = await self._validate_token(self._resource.identifier, token)
        # The SDK knows bearer tokens only: one that is bound to a key is none (F-11).
        if info is None or info.jkt is not None:
            return None
        return VerifiedAccessToken.of(
            info, issuer=self._issuer, implied=dict(self._resource.implied_scopes)
        )

    def auth_settings(
        self, *, required_scopes: Sequence[str] | None = None
    ) -> AuthSettings:
        """The SDK's settings for a server that uses this verifier.

        Args:
            required_scopes: Those that the resource requires, if not given.
        """
        needed = self._resource.needed_scopes
        return AuthSettings(
            issuer_url=as_written(self._issuer),
            resource_server_url=as_written(self._resource.identifier),
            required_scopes=list(
                needed if required_scopes is None else required_scopes
            ),
            validate_token_resource=True,
        )

    def with_permissions(
        self, server: MCPServer[LifespanResult], app: Starlette
    ) -> Starlette:
        """Challenge over HTTP for scopes that tools require, and hide restricted ones.

        Without it, tools with demands still refuse, by a JSON-RPC error.

        Args:
            server: Uses this verifier.
            app: Its own, before it has served anything; is changed, and given back.
        """
        role = ResourceServer(
            self._resource, issuer=self._issuer, validate_token=self._validate_token
        )
        return with_permissions(server, app, role)
