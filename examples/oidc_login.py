"""People sign in with any OpenID provider: Google, Auth0, Keycloak, Entra, Okta, …

    OIDC_ISSUER=https://… OIDC_CLIENT_ID=… OIDC_CLIENT_SECRET=… python examples/oidc_login.py

Register http://127.0.0.1:8000/login/callback/oidc there as redirect URI. What to say for
which provider is in docs/federation.md.
"""

import os
from functools import partial

import trio
from mcp.server.mcpserver import MCPServer

from actor_oauth.config import load_settings
from actor_oauth.mcp import CurrentCaller
from actor_oauth.provider import Provider

OIDC = {
    "name": "oidc",
    "kind": "oidc",
    "issuer": os.environ["OIDC_ISSUER"],
    "client_id": os.environ["OIDC_CLIENT_ID"],
    "client_secret": os.environ["OIDC_CLIENT_SECRET"],
    # Whoever has an account there: say `domains`, `organisations` or `users` for fewer.
    "everyone": True,
}

mcp = MCPServer("with OpenID")
provider = Provider(
    load_settings(
        overrides={"local_accounts_enabled": False, "login_providers": [OIDC]}
    )
)


@mcp.tool()
async def who_am_i(caller: CurrentCaller) -> list[str]:
    """Who the caller is elsewhere."""
    known = await provider.federation.identities(caller.user_id)
    return [f"{identity.label} at {identity.issuer}" for identity in known]


provider.protect_mcp(mcp)
trio.run(partial(provider.serve, announce=print))
