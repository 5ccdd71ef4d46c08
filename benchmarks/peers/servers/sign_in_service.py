"""A sign-in service that approves at once, for the proxy that is measured before it.

Like those of the large platforms it does not rotate refresh tokens.
"""

from secrets import token_urlsafe

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from benchmarks.peers.servers.minted import LIFETIME_SECONDS, SCOPE, arguments


async def authorize(request: Request) -> Response:
    """Approve at once."""
    query = request.query_params
    back = f"{query['redirect_uri']}?code={token_urlsafe(16)}&state={query['state']}"
    return RedirectResponse(back)


async def token(_request: Request) -> Response:
    """Give tokens for anything."""
    return JSONResponse(
        {
            "access_token": token_urlsafe(16),
            "refresh_token": "upstream",
            "token_type": "Bearer",
            "expires_in": LIFETIME_SECONDS,
            "scope": SCOPE,
        }
    )


def main() -> None:
    """Serve."""
    routes = [Route("/authorize", authorize), Route("/token", token, methods=["POST"])]
    port = arguments(name="sign_in_service").port
    uvicorn.run(Starlette(routes=routes), port=port, log_level="warning")


if __name__ == "__main__":
    main()
