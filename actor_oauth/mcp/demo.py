"""The example MCP server that `actor-oauth serve` offers at `/mcp`."""

from dataclasses import dataclass

from mcp.server.mcpserver import MCPServer

from actor_oauth.mcp.access import current_token
from actor_oauth.mcp.root_logging import root_logging_kept
from actor_oauth.oauth.json_values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls a tool.

    Attributes:
        user: Who authorized the client.
        client: The `client_id` of the program that calls.
        scopes: What it may do.
        props: What the authorization server was given to remember about the user.
    """

    user: str
    client: str
    scopes: list[str]
    props: Json


def whoami() -> Caller:
    """Tell who you are to this server: user, client, scopes, and props."""
    token = current_token()
    return Caller(
        user=token.user_id,
        client=token.client_id,
        scopes=list(token.scope),
        props=token.props,
    )


def add(a: int, b: int) -> int:
    """Add two whole numbers."""
    return a + b


def demo_server() -> MCPServer[object]:
    """Make the example server: two tools that do no harm."""
    with root_logging_kept():
        server: MCPServer[object] = MCPServer("actor-oauth demo")
    server.add_tool(whoami)
    server.add_tool(add)
    return server
