"""What browsers may do with a protected resource from another site's page (J-14 to J-17).

Any origin is welcome where the guard lets it in at all: a bearer token is no ambient
credential, a foreign page has none. `Access-Control-Allow-Credentials` is never sent.
"""

from collections.abc import Sequence
from typing import Final

from actor_oauth.resource.asgi import HeaderLine, RequestHead

# By name, since `*` does not cover `Authorization` (Fetch, CORS protocol); with it,
# because MCP's `Mcp-Param-…` headers have no fixed names.
ALLOWED_HEADERS: Final = (
    "Authorization",
    "Content-Type",
    "DPoP",
    "MCP-Protocol-Version",
    "Mcp-Session-Id",
    "Last-Event-ID",
    "Mcp-Method",
    "Mcp-Name",
    "*",
)
EXPOSED_HEADERS: Final = (
    "WWW-Authenticate",
    "DPoP-Nonce",
    "Retry-After",
    "Mcp-Session-Id",
)
# Chromium caps what it remembers at two hours.
_MAX_AGE: Final = b"7200"

CORS_HEADERS: Final[tuple[HeaderLine, ...]] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", ", ".join(EXPOSED_HEADERS).encode()),
)


def is_preflight(head: RequestHead) -> bool:
    """Tell whether a browser asks if it may send the real request."""
    return head.method == "OPTIONS" and bool(
        head.lines(b"origin") or head.lines(b"access-control-request-method")
    )


def preflight_headers(methods: Sequence[str]) -> tuple[HeaderLine, ...]:
    """The headers that answer a preflight.

    Args:
        methods: The verbs that the application really has.
    """
    return (
        *CORS_HEADERS,
        (b"access-control-allow-methods", ", ".join(methods).encode()),
        (b"access-control-allow-headers", ", ".join(ALLOWED_HEADERS).encode()),
        (b"access-control-max-age", _MAX_AGE),
    )
