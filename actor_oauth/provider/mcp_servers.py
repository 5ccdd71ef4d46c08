"""MCP servers of either make, as endpoints behind the guard."""

from typing import TYPE_CHECKING, TypeVar

from mcp.server.mcpserver import MCPServer

from actor_oauth.mcp import MCPEndpoint
from actor_oauth.mcp.guarded import GuardedTransport

if TYPE_CHECKING:
    from fastmcp import FastMCP

LifespanResult = TypeVar("LifespanResult")


def endpoint_of(
    server: "MCPServer[LifespanResult] | FastMCP[LifespanResult]",
    *,
    path: str,
    issuer: str,
    stateless: bool,
) -> GuardedTransport:
    """Make the endpoint of a server; see `MCPEndpoint` and `FastMCPEndpoint`.

    Raises:
        TypeError: It is neither of the two.
        ValueError: The server authenticates by itself.
    """
    if isinstance(server, MCPServer):
        return MCPEndpoint(server, path=path, issuer=issuer, stateless=stateless)
    made_by = {base.__module__.partition(".")[0] for base in type(server).__mro__}
    if "fastmcp" not in made_by:
        raise TypeError(
            f"protect_mcp takes an MCPServer or a FastMCP, not {type(server).__name__}; "
            "an ASGI application goes through protect"
        )
    # Such a server comes with FastMCP, which is no dependency of ours.
    from actor_oauth.mcp.fastmcp import FastMCPEndpoint  # noqa: PLC0415

    return FastMCPEndpoint(server, path=path, issuer=issuer, stateless=stateless)
