"""The binding to the official MCP Python SDK: protected servers and their callers."""

from actor_oauth.mcp.access import current_props, current_token
from actor_oauth.mcp.caller import Caller, CurrentCaller, current_caller
from actor_oauth.mcp.endpoint import MCPEndpoint
from actor_oauth.mcp.permissions import NotPermittedError, require, require_scope
from actor_oauth.mcp.sdk_routes import ActorAuthorizationProvider
from actor_oauth.mcp.token_verifier import ActorTokenVerifier
from actor_oauth.oauth.tokens import AccessTokenInfo

# In a tool, prompt or resource
__all__ = [
    "AccessTokenInfo",
    "Caller",
    "CurrentCaller",
    "NotPermittedError",
    "current_caller",
    "current_props",
    "current_token",
    "require",
    "require_scope",
]

# Around a server that `Provider.protect_mcp` does not serve
__all__ += ["ActorAuthorizationProvider", "ActorTokenVerifier", "MCPEndpoint"]
