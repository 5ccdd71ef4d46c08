"""For FastMCP 4 servers: `auth` and permissions, with our tokens.

provider.protect_mcp(mcp)        # in the provider's process: behind the guard

auth = fastmcp_auth(resource, issuer=…, validate_token=…)
mcp = FastMCP("notes", auth=auth, middleware=[Permissions()])    # anywhere else

FastMCP is no dependency of this package: import this only where it is installed (the extra
`fastmcp`).
"""

from typing import Annotated, TypeAlias

try:
    from fastmcp.dependencies import Depends
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "FastMCP 4 is not installed: pip install 'actor-oauth[fastmcp]'",
        name=missing.name,
    ) from missing

from actor_oauth.mcp.caller import Caller, current_caller
from actor_oauth.mcp.fastmcp.auth import FastMCPTokenVerifier, fastmcp_auth
from actor_oauth.mcp.fastmcp.endpoint import FastMCPEndpoint
from actor_oauth.mcp.fastmcp.permissions import Permissions

CurrentCaller: TypeAlias = Annotated[Caller, Depends(current_caller)]
"""The type of a tool parameter that the server fills in, hidden from the client."""

# In a tool, prompt or resource
__all__ = ["CurrentCaller"]

# Around a server that `Provider.protect_mcp` does not serve
__all__ += ["FastMCPEndpoint", "FastMCPTokenVerifier", "Permissions", "fastmcp_auth"]
