"""A protected MCP server and its authorization server, in one process.

    python examples/mcp_server.py

Then add http://127.0.0.1:8000/mcp to an MCP client. People need an account to sign in:

    actor-oauth users add alice --password-stdin --data .actor-oauth
"""

from functools import partial

import trio
from mcp.server.mcpserver import MCPServer

from actor_oauth.config import load_settings
from actor_oauth.mcp import CurrentCaller
from actor_oauth.provider import Provider

mcp = MCPServer("notes")


@mcp.tool()
def greet(caller: CurrentCaller) -> str:
    """Greet whoever is signed in."""
    return f"Hello, {caller.user_id}!"


provider = Provider(load_settings())
provider.protect_mcp(mcp)
trio.run(partial(provider.serve, announce=print))
