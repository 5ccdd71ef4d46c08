"""People sign in with GitHub, and a tool asks GitHub on its caller's behalf.

    GITHUB_CLIENT_ID=… GITHUB_CLIENT_SECRET=… python examples/github_login.py

Register an OAuth app at GitHub first (Settings, Developer settings) with the callback
http://127.0.0.1:8000/login/callback/github, then add http://127.0.0.1:8000/mcp to an MCP
client. GitHub's tokens are kept in each user's vault, encrypted.
"""

import os
from functools import partial

import httpx2
import trio
from mcp.server.mcpserver import MCPServer

from actor_oauth.config import load_settings
from actor_oauth.mcp import CurrentCaller
from actor_oauth.provider import Provider
from actor_oauth.upstream import VaultAuth

# For GitHub Enterprise: its address, and the same with /api/v3.
WEB = os.environ.get("GITHUB_URL", "https://github.com")
API = os.environ.get("GITHUB_API", "https://api.github.com")

GITHUB = {
    "name": "github",
    "kind": "github",
    "issuer": WEB,
    "api_url": API,
    "client_id": os.environ["GITHUB_CLIENT_ID"],
    "client_secret": os.environ["GITHUB_CLIENT_SECRET"],
    # The whole world: say `organisations` or `users` to let in fewer.
    "everyone": True,
    "keep_tokens_for": API,
}

mcp = MCPServer("with GitHub")
provider = Provider(
    load_settings(overrides={"vault_enabled": True, "login_providers": [GITHUB]})
)


@mcp.tool()
async def my_login(caller: CurrentCaller) -> str:
    """What GitHub calls the caller."""
    auth = VaultAuth(provider.vault, caller.user_id)
    async with httpx2.AsyncClient(auth=auth) as http:
        answer = await http.get(f"{API}/user")
    return str(answer.raise_for_status().json()["login"])


provider.protect_mcp(mcp)
trio.run(partial(provider.serve, announce=print))
