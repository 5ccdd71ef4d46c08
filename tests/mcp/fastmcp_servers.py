"""FastMCP servers with demands, served in both ways: by its own hooks, and behind our guard."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import pytest
from fastmcp import FastMCP
from fastmcp.server.dependencies import get_access_token
from mcp import Client

from actor_oauth.mcp import Caller, current_caller, require, require_scope
from actor_oauth.mcp.fastmcp import (
    CurrentCaller,
    FastMCPEndpoint,
    Permissions,
    fastmcp_auth,
)
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.policy import ResourcePolicy
from actor_oauth.resource import ResourceServer
from tests.mcp.protected_server import ISSUER, Authority, serving, token_info

RESOURCE: Final = ResourcePolicy(
    identifier="http://127.0.0.1/mcp",
    scopes=("mcp", "notes:write", "notes:all"),
    implied_scopes=(("notes:all", ("notes:write",)),),
)
METADATA = "http://127.0.0.1/.well-known/oauth-protected-resource/mcp"

Serve = Callable[["FastMCP[object]", Authority], AbstractAsyncContextManager[str]]


@asynccontextmanager
async def by_its_own_hooks(
    server: "FastMCP[object]", authority: Authority
) -> AsyncIterator[str]:
    """Serve it with FastMCP's own authentication, on our tokens."""
    server.auth = fastmcp_auth(
        RESOURCE, issuer=ISSUER, validate_token=authority.validate_token
    )
    server.add_middleware(Permissions())
    async with serving(server.http_app()) as base:
        yield f"{base}/mcp"


@asynccontextmanager
async def behind_the_guard(
    server: "FastMCP[object]", authority: Authority
) -> AsyncIterator[str]:
    """Serve it as `Provider.protect_mcp` does."""
    role = ResourceServer(
        RESOURCE, issuer=ISSUER, validate_token=authority.validate_token
    )
    endpoint = FastMCPEndpoint(server, path="/mcp", issuer=ISSUER)
    async with endpoint.run(), serving(role.guard(endpoint)) as base:
        yield f"{base}/mcp"
        endpoint.end_listening()


WAYS = pytest.mark.parametrize("serve", [by_its_own_hooks, behind_the_guard])
ERAS = pytest.mark.parametrize(
    ("serve", "mode"), [(by_its_own_hooks, "auto"), (behind_the_guard, "legacy")]
)


def is_admin(caller: Caller) -> bool:
    return caller.props == "admin"


def notes_server() -> "FastMCP[object]":
    """A server with an open, a challenging and a hidden tool, prompt and resource."""
    server: FastMCP[object] = FastMCP("notes")

    @server.tool()
    def who(caller: CurrentCaller) -> str:
        token = get_access_token()
        assert token is not None
        return f"{caller.user_id} {token.claims['sub']} {token.claims['props']} {token.token}"

    @server.tool(name="write-note")
    @require_scope("notes:write")
    async def write(text: str, caller: CurrentCaller) -> str:
        return f"{caller.user_id} wrote {text}"

    @server.tool()
    @require(is_admin)
    def purge() -> str:
        return f"purged by {current_caller().user_id}"

    add_prompts_and_resources(server)
    return server


def add_prompts_and_resources(server: "FastMCP[object]") -> None:
    @server.prompt()
    @require_scope("notes:write")
    def rewrite(text: str, caller: CurrentCaller) -> str:
        return f"rewrite {text} for {caller.user_id}"

    @server.prompt()
    @require(is_admin)
    def clean() -> str:
        return "clean"

    @server.resource("notes://mine")
    @require_scope("notes:write")
    def mine(caller: CurrentCaller) -> str:
        return f"notes of {caller.user_id}"

    @server.resource("notes://log")
    @require(is_admin)
    def log() -> str:
        return "log"

    @server.resource("notes://of/{user}")
    @require(is_admin)
    def notes_of(user: str, caller: CurrentCaller) -> str:
        return f"notes of {user} for {caller.user_id}"


def holder(*scopes: str, props: Json = None) -> Authority:
    """An authority that knows the token `t` with these scopes beside `mcp`."""
    info = token_info("alice", RESOURCE.identifier, props, ("mcp", *scopes))
    return Authority({"t": info})


async def names_seen(client: Client) -> set[str]:
    """All that a caller is told of."""
    prompts = (await client.list_prompts()).prompts
    resources = (await client.list_resources()).resources
    templates = (await client.list_resource_templates()).resource_templates
    tools = (await client.list_tools()).tools
    return {offer.name for offer in (*tools, *prompts, *resources, *templates)}
