"""Whether this process answers, for probes: it does, or nothing comes back.

It says nothing about the disk. A server whose disk is full answers 503 to whatever has
to be written and continues to check tokens: taking it out of service, or restarting it,
would only make things worse. A server that stops accepts no more connections.
"""

from typing import Final

from actor_oauth.http.messages import Request, Response
from actor_oauth.http.render import private_json

HEALTH_PATH: Final = "/health"
"""Below the issuer's path."""

_WELL: Final = private_json({"status": "ok"})


async def health_endpoint(_request: Request) -> Response:
    """`GET /health`: says only that this process answers."""
    return _WELL
