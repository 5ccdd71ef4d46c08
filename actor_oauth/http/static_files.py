"""Style, script and mark of the pages: from our own origin, cached for good.

Each file's path holds a hash of its content, so that a new version has a new path and
an old one never has to be asked about again.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from actor_oauth.http.asgi import Route
from actor_oauth.http.messages import Endpoint, Request, Response
from actor_oauth.http.render import NO_SNIFF

_TYPES = {
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFiles:
    """The files, loaded once.

    Attributes:
        style: Path of the style sheet.
        script: Path of the script.
        mark: Path of the icon.
        routes: By path.
    """

    style: str
    script: str
    mark: str
    routes: Mapping[str, Route]


def load_static_files(base: str) -> StaticFiles:
    """Read the files of the package.

    Args:
        base: The issuer's path, which all paths start with.
    """
    routes: dict[str, Route] = {}

    def publish(name: str) -> str:
        content = files("actor_oauth.http").joinpath("static", name).read_bytes()
        stem, _, suffix = name.rpartition(".")
        digest = hashlib.sha256(content).hexdigest()[:12]
        path = f"{base}/static/{stem}.{digest}.{suffix}"
        routes[path] = Route(
            endpoint=_endpoint(content, _TYPES[suffix]), method="GET", cors=False
        )
        return path

    return StaticFiles(
        style=publish("page.css"),
        script=publish("page.js"),
        mark=publish("mark.svg"),
        routes=routes,
    )


def _endpoint(content: bytes, media_type: bytes) -> Endpoint:
    response = Response(
        status=200,
        headers=(
            (b"content-type", media_type),
            (b"cache-control", b"public, max-age=31536000, immutable"),
            (b"content-security-policy", b"default-src 'none'"),
            NO_SNIFF,
        ),
        body=content,
    )

    async def serve(_request: Request) -> Response:
        return response

    return serve
