"""Whether this process answers, for probes: it does, or nothing comes back.

It says nothing of the disk. A server whose disk is full refuses what has to be written
with 503 and goes on checking tokens: whoever took it out of service for that, or started
it anew, would make it worse. A server that stops takes no more connections.
"""

from typing import Final

from actor_oauth.http.messages import Request, Response
from actor_oauth.http.render import private_json

HEALTH_PATH: Final = "/health"
"""Below the issuer's path."""

_WELL: Final = private_json({"status": "ok"})


async def health_endpoint(_request: Request) -> Response:
    """`GET /health`: nothing but that somebody is here."""
    return _WELL
