"""The metadata document of a protected resource as an ASGI application (RFC 9728 §3)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final

from actor_oauth.oauth.json_values import Json
from actor_oauth.resource.answers import Answer
from actor_oauth.resource.asgi import HeaderLine, Receive, Scope, Send, request_head
from actor_oauth.resource.cors import CORS_HEADERS, preflight_headers

_METHODS: Final = ("GET", "HEAD", "OPTIONS")


class MetadataApp:
    """Answers GET, HEAD and OPTIONS without credentials, cacheable for an hour (A-18).

    Args:
        document: The members of the document.
    """

    def __init__(self, document: Mapping[str, Json]) -> None:
        self._body = json.dumps(document).encode()
        self._etag = f'"{hashlib.sha256(self._body).hexdigest()[:16]}"'.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request for the document."""
        head = request_head(scope)
        answer = self._answer(head.method, head.lines(b"if-none-match"))
        await answer(scope, receive, send)

    def _answer(self, method: str, etags: Sequence[bytes]) -> Answer:
        headers: tuple[HeaderLine, ...] = (
            (b"content-type", b"application/json"),
            (b"cache-control", b"public, max-age=3600"),
            (b"etag", self._etag),
            *CORS_HEADERS,
        )
        match method:
            case "GET" | "HEAD" if self._etag in etags:
                return Answer(status=304, headers=headers)
            case "GET" | "HEAD":
                # The server leaves the body out for HEAD, and keeps its length.
                return Answer(status=200, headers=headers, body=self._body)
            case "OPTIONS":
                return Answer(status=204, headers=preflight_headers(_METHODS))
            case _:
                allow = (b"allow", ", ".join(_METHODS).encode())
                return Answer(status=405, headers=(allow, *CORS_HEADERS))
