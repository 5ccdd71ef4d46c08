"""FastMCP's in-memory provider, which ships with it "for testing purposes".

    python -m benchmarks.peers.servers.fastmcp_memory --port 8000

It approves at once. Nothing of it can be configured that matters here.
"""

import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth.providers.in_memory import InMemoryOAuthProvider
from mcp.server.auth.middleware.bearer_auth import RequireAuthMiddleware
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions
from starlette.responses import JSONResponse
from starlette.routing import Route

from benchmarks.peers.servers.minted import SCOPE, arguments


def main() -> None:
    """Serve."""
    port = arguments(name="fastmcp_memory").port
    provider = InMemoryOAuthProvider(
        base_url=f"http://127.0.0.1:{port}",
        client_registration_options=ClientRegistrationOptions(
            enabled=True, valid_scopes=[SCOPE], default_scopes=[SCOPE]
        ),
        revocation_options=RevocationOptions(enabled=True),
    )
    app = FastMCP("bench", auth=provider).http_app(stateless_http=True)
    resource = RequireAuthMiddleware(JSONResponse({}), [])
    app.router.routes.append(Route("/bench/protected", resource))
    uvicorn.run(app, port=port, log_level="warning")


if __name__ == "__main__":
    main()
