"""FastMCP's OAuth proxy, before a sign-in service that answers at once.

    python -m benchmarks.peers.servers.fastmcp_proxy --port 8000 --upstream-port 8001

The service is a process of its own, sign_in_service.py. The proxy keeps what it issues in
its default store, encrypted files under the directory that FASTMCP_HOME names, and asks
for no consent of its own.
"""

import socket
import subprocess
import sys
from contextlib import suppress
from time import sleep

import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth import OAuthProxy
from fastmcp.server.auth.providers.debug import DebugTokenVerifier
from mcp.server.auth.middleware.bearer_auth import RequireAuthMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from benchmarks.peers.servers.minted import SCOPE, arguments


def wait_for(port: int) -> None:
    """Wait until something listens."""
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        sleep(0.05)


def main() -> None:
    """Serve both."""
    options = arguments(name="fastmcp_proxy", upstream=True)
    upstream = f"http://127.0.0.1:{options.upstream_port}"
    service = [sys.executable, "-m", "benchmarks.peers.servers.sign_in_service"]
    subprocess.Popen([*service, "--port", str(options.upstream_port)])
    wait_for(options.upstream_port)
    proxy = OAuthProxy(
        upstream_authorization_endpoint=f"{upstream}/authorize",
        upstream_token_endpoint=f"{upstream}/token",
        upstream_client_id="bench",
        upstream_client_secret="bench",
        token_verifier=DebugTokenVerifier(scopes=[SCOPE]),
        base_url=f"http://127.0.0.1:{options.port}",
        valid_scopes=[SCOPE],
        require_authorization_consent=False,
    )
    app = FastMCP("bench", auth=proxy).http_app(stateless_http=True)
    resource = RequireAuthMiddleware(JSONResponse({}), [])
    app.router.routes.append(Route("/bench/protected", resource))
    uvicorn.run(app, port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
