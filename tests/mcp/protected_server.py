"""An MCP server behind the guard, over real HTTP on Trio, and a client to ask it."""

import gc
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import pytest
import trio
from httpx2 import AsyncClient
from hypercorn.config import Config
from hypercorn.trio import serve
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer

from actor_oauth.mcp import MCPEndpoint
from actor_oauth.mcp.demo import demo_server
from actor_oauth.oauth.json_values import Json, render_attached
from actor_oauth.oauth.policy import ResourcePolicy
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import AccessTokenInfo
from actor_oauth.resource import ResourceServer
from actor_oauth.resource.asgi import ASGIApp

ISSUER = "https://as.example"
NEVER = 2**40


def token_info(
    user_id: str, resource: str, props: Json = None, scope: tuple[str, ...] = ("mcp",)
) -> AccessTokenInfo:
    """What the authorization server says of a user's token."""
    return AccessTokenInfo(
        grant_id="0123456789abcdef",
        client_id="client",
        user_id=user_id,
        scope=Scope(scope),
        resource=resource,
        issued_at=0,
        expires_at=NEVER,
        props_text=render_attached(props),
    )


@dataclass
class Authority:
    """Stands for the authorization server: the tokens it knows, by their text."""

    tokens: dict[str, AccessTokenInfo] = field(default_factory=dict)

    async def validate_token(self, resource: str, token: str) -> AccessTokenInfo | None:
        """Tell what the token is good for."""
        await trio.lowlevel.checkpoint()
        return self.tokens.get(token)


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an ASGI application on a free port; gives the base URL."""
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.graceful_timeout = 0.1
    config.errorlog = None
    async with trio.open_nursery() as nursery:
        stop = trio.Event()
        bound = await nursery.start(
            partial(serve, app, config, shutdown_trigger=stop.wait)
        )
        yield cast("list[str]", bound)[0]
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def protected_server(
    authority: Authority,
    server: MCPServer[object] | None = None,
    *,
    implied_scopes: Mapping[str, tuple[str, ...]] | None = None,
    stateless: bool = False,
) -> AsyncIterator[str]:
    """Serve an MCP server behind the guard; gives the URL to connect to."""
    resource = ResourcePolicy(identifier="http://127.0.0.1/mcp")
    role = ResourceServer(
        resource,
        issuer=ISSUER,
        validate_token=authority.validate_token,
        implied_scopes=implied_scopes,
    )
    endpoint = MCPEndpoint(
        server or demo_server(), path="/mcp", issuer=ISSUER, stateless=stateless
    )
    async with endpoint.run(), serving(role.guard(endpoint)) as base:
        yield f"{base}/mcp"


@asynccontextmanager
async def http_client(token: str | None) -> AsyncIterator[AsyncClient]:
    """An HTTP client that presents the token with each request."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with AsyncClient(headers=headers) as client:
        yield client


# The SDK's client leaves response iterators to the garbage collector.
SDK_LEAVES_GENERATORS = pytest.mark.filterwarnings(
    "ignore:Async generator:ResourceWarning"
)


@asynccontextmanager
async def mcp_client(url: str, token: str, mode: str) -> AsyncIterator[Client]:
    """The SDK's client, with a token that it was given."""
    async with (
        http_client(token) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client
    # Here, while the warnings are still expected, and not in some other test.
    gc.collect()
