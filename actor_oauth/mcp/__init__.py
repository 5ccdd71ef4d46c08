"""The binding to the official MCP Python SDK: protected servers, and who calls them."""

from actor_oauth.mcp.access import current_props, current_token
from actor_oauth.mcp.endpoint import MCPEndpoint
from actor_oauth.mcp.root_logging import root_logging_kept
from actor_oauth.mcp.token_verifier import ActorTokenVerifier

__all__ = [
    "ActorTokenVerifier",
    "MCPEndpoint",
    "current_props",
    "current_token",
    "root_logging_kept",
]
