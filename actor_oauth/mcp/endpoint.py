"""An MCP server of the official SDK as an ASGI application behind the bearer guard.

The guard decides who comes in, this module says so to the SDK: tools get the token from
the SDK's own `get_access_token()` or our `current_token()`, and sessions belong to whom
they were opened by. Both protocol eras work, the one with sessions and the stateless
one. The SDK's own authorization server is never used: it cannot publish what MCP asks
of one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar, cast

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.authentication import AuthCredentials

from actor_oauth.mcp.access import VerifiedAccessToken
from actor_oauth.mcp.caller import Caller
from actor_oauth.mcp.catalogue import ServerCatalogue
from actor_oauth.mcp.gate import judge_calls
from actor_oauth.mcp.middleware import HiddenOffers, Listeners
from actor_oauth.resource import PROTECTION_KEY, verified_token
from actor_oauth.resource.admission import Protection
from actor_oauth.resource.asgi import ASGIApp, Receive, Scope, Send

LifespanResult = TypeVar("LifespanResult")


class MCPEndpoint:
    """The streamable HTTP transport of one MCP server.

    The endpoint serves only while `run` is open. It can be opened once.

    Args:
        server: Set up with its tools, and without the SDK's own authentication.
        path: Where requests arrive, as in their URL.
        issuer: Identifier of the authorization server that the guard asks.
        json_response: Answer with one JSON document where a stream is not needed.
        stateless: Keep no sessions for clients of the older protocol versions either.

    Raises:
        ValueError: The server authenticates by itself; two guards would disagree.
    """

    def __init__(
        self,
        server: MCPServer[LifespanResult],
        *,
        path: str,
        issuer: str,
        json_response: bool = False,
        stateless: bool = False,
    ) -> None:
        if server.settings.auth is not None:
            raise ValueError(
                "give the MCPServer no auth settings: the guard protects it"
            )
        app = server.streamable_http_app(
            streamable_http_path=path or "/",
            json_response=json_response,
            stateless_http=stateless,
            # The guard has checked Host and Origin, knowing the public URL.
            transport_security=TransportSecuritySettings(
                enable_dns_rebinding_protection=False
            ),
        )
        self._app: ASGIApp = AuthContextMiddleware(app)
        self._manager = server.session_manager
        self._issuer = issuer
        self._catalogue = ServerCatalogue(server)
        self._listeners = Listeners()
        server.middleware.extend((HiddenOffers(self._catalogue), self._listeners))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request that the guard has let through.

        Raises:
            KeyError: There is no verified token in the scope: no guard in front.
        """
        protection = cast("Protection", scope[PROTECTION_KEY])
        token = VerifiedAccessToken.of(
            verified_token(scope), issuer=self._issuer, implied=protection.implied
        )
        caller = Caller(token=token.info, scopes=token.held)
        receive, refusal = await judge_calls(self._catalogue, caller, scope, receive)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        inner_scope = {
            **scope,
            "user": AuthenticatedUser(token),
            "auth": AuthCredentials(token.scopes),
        }
        await self._app(inner_scope, receive, send)

    def end_listening(self) -> None:
        """End the event streams that clients opened by `subscriptions/listen`.

        They never end by themselves, so an orderly stop would wait for them until its
        deadline. Nobody can listen from now on.
        """
        self._listeners.end()

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Keep the sessions for as long as the block runs; leaving it ends them all.

        It opens a nursery: enter and leave it in the same task.
        """
        async with self._manager.run():
            yield
