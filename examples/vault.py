"""An MCP tool that calls a second protected MCP server on its caller's behalf.

    ACTOR_OAUTH_VAULT_ENABLED=true python examples/vault.py

For a second server on this machine add `ACTOR_OAUTH_LOOPBACK_UPSTREAMS=true`. A caller who
has not connected that server yet is told where to do so.
"""

from functools import partial

import httpx2
import trio
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer

from actor_oauth.config import load_settings
from actor_oauth.mcp import current_token
from actor_oauth.provider import Provider
from actor_oauth.upstream import Authorization, VaultAuth

mcp = MCPServer("go-between")
provider = Provider(load_settings())


@mcp.tool()
async def tools_at(url: str) -> list[str]:
    """The tools of another MCP server, as the caller may see them."""
    user_id = current_token().user_id
    found = await provider.vault.get_authorization(user_id, url)
    if not isinstance(found, Authorization):
        return [found.fault.text, provider.vault.login_url(url)]
    # Refreshed when it must be, and replaced once if it is refused.
    auth = VaultAuth(provider.vault, user_id)
    async with (
        httpx2.AsyncClient(auth=auth) as http,
        Client(streamable_http_client(url, http_client=http)) as other,
    ):
        return [tool.name for tool in (await other.list_tools()).tools]


provider.protect_mcp(mcp)
trio.run(partial(provider.serve, announce=print))
