"""The guard as middleware of any ASGI framework: Starlette, FastAPI, Django and others.

app.add_middleware(BearerMiddleware, resource_server=server, public=("/health",))

With `IntrospectedTokens` or `JwtTokens` behind it, it runs on asyncio as well as on Trio.
"""

from collections.abc import Collection, Sequence
from typing import cast
from urllib.parse import urlsplit

from actor_oauth.resource.asgi import ASGIApp, Receive, Scope, Send
from actor_oauth.resource.server import ResourceServer


class BearerMiddleware:
    """Lets requests with a valid token through, and serves the metadata document.

    Args:
        app: The application behind. It gets the lifespan events.
        resource_server: Whose tokens are good. Its resource is, or is above, every path
            that is not public: elsewhere no token is good for anything.
        required_scopes: As for `ResourceServer.guard`.
        public: Paths that need no token, exactly as requests name them.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        resource_server: ResourceServer,
        required_scopes: Sequence[str] | None = None,
        public: Collection[str] = (),
    ) -> None:
        self._app = app
        self._public = frozenset(public)
        self._guard = resource_server.guard(app, required_scopes=required_scopes)
        self._metadata = resource_server.metadata_app()
        self._metadata_path = urlsplit(resource_server.metadata_url).path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        app: ASGIApp = self._guard
        if scope["type"] == "http":
            path = cast("str", scope["path"])
            if path == self._metadata_path:
                app = self._metadata
            elif path in self._public:
                app = self._app
        await app(scope, receive, send)
