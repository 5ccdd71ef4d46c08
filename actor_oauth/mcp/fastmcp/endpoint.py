"""A FastMCP server as an ASGI application behind the bearer guard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from fastmcp import FastMCP
from typing_extensions import override

from actor_oauth.mcp.fastmcp.auth import FastMCPAccessToken
from actor_oauth.mcp.fastmcp.catalogue import FastMCPCatalogue
from actor_oauth.mcp.fastmcp.permissions import Permissions
from actor_oauth.mcp.guarded import GuardedTransport

LifespanResult = TypeVar("LifespanResult")


class FastMCPEndpoint(GuardedTransport):
    """The streamable HTTP transport of one FastMCP server.

    The endpoint serves only while `run` is open. It can be opened once.

    Args:
        server: Set up with its tools, and without `auth`.
        path: Where requests arrive, as in their URL.
        issuer: Identifier of the authorization server that the guard asks.
        stateless: Keep no sessions for clients of the older protocol versions either.

    Raises:
        ValueError: The server authenticates by itself; two guards would disagree.
    """

    def __init__(
        self,
        server: FastMCP[LifespanResult],
        *,
        path: str,
        issuer: str,
        stateless: bool = False,
    ) -> None:
        if server.auth is not None:
            raise ValueError("give the FastMCP server no auth: the guard protects it")
        # First, so that nothing remembers the lists of one caller for another.
        server.middleware.insert(0, Permissions())
        app = server.http_app(
            path=path or "/",
            stateless_http=stateless,
            # The guard has checked Host and Origin, knowing the public URL.
            host_origin_protection=False,
        )
        super().__init__(
            app,
            catalogue=FastMCPCatalogue(server),
            issuer=issuer,
            token_class=FastMCPAccessToken,
        )
        self._starlette = app

    @override
    def end_listening(self) -> None:
        """FastMCP answers no `subscriptions/listen`: there is nothing to end."""

    @override
    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Keep the sessions for as long as the block runs; leaving it ends them all."""
        async with self._starlette.lifespan(self._starlette):
            yield
