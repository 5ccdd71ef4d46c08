"""The binding to the official MCP Python SDK: protected servers, and who calls them."""

from actor_oauth.mcp.access import current_props, current_token
from actor_oauth.mcp.caller import Caller, CurrentCaller, current_caller
from actor_oauth.mcp.endpoint import MCPEndpoint
from actor_oauth.mcp.permissions import NotPermittedError, require, require_scope
from actor_oauth.mcp.root_logging import root_logging_kept
from actor_oauth.mcp.sdk_routes import ActorAuthorizationProvider
from actor_oauth.mcp.token_verifier import ActorTokenVerifier

__all__ = [
    "ActorAuthorizationProvider",
    "ActorTokenVerifier",
    "Caller",
    "CurrentCaller",
    "MCPEndpoint",
    "NotPermittedError",
    "current_caller",
    "current_props",
    "current_token",
    "require",
    "require_scope",
    "root_logging_kept",
]
