"""An MCP server of the official SDK as an ASGI application behind the bearer guard.

The guard decides who comes in, this module says so to the SDK: tools get the token from
the SDK's own `get_access_token()` or our `current_token()`, and sessions belong to whom
they were opened by. Both protocol eras work, the one with sessions and the stateless
one. The SDK's own authorization server is never used: it cannot publish what MCP asks
of one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from typing_extensions import override

from actor_oauth.mcp.catalogue import ServerCatalogue
from actor_oauth.mcp.guarded import GuardedTransport
from actor_oauth.mcp.middleware import Listeners, hide_offers

LifespanResult = TypeVar("LifespanResult")


class MCPEndpoint(GuardedTransport):
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
        catalogue = ServerCatalogue(server)
        super().__init__(app, catalogue=catalogue, issuer=issuer)
        self._manager = server.session_manager
        self._listeners = Listeners()
        hide_offers(server, catalogue)
        server.middleware.append(self._listeners)

    @override
    def end_listening(self) -> None:
        """End the event streams that clients opened by `subscriptions/listen`."""
        self._listeners.end()

    @override
    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Keep the sessions for as long as the block runs; leaving it ends them all."""
        async with self._manager.run():
            yield
