"""The example MCP server that `actor-oauth serve` offers at `/mcp`."""

from mcp.server.mcpserver import MCPServer

# Not `typing`'s: pydantic refuses that one before Python 3.12.
from typing_extensions import TypedDict

from actor_oauth.mcp.access import current_token
from actor_oauth.mcp.root_logging import root_logging_kept


class Caller(TypedDict):
    """Who calls a tool.

    Attributes:
        user: Who authorized the client.
        client: The `client_id` of the program that calls.
        scopes: What it may do.
        props: What the authorization server was given to remember about the user: any
            JSON, which pydantic's schemas call `object`.
    """

    user: str
    client: str
    scopes: list[str]
    props: object


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
