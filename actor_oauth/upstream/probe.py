"""Probing whether a URL requires a token, by a request without one (I-01).

Nothing that identifies the caller is sent: no credentials, no cookies. A response
counts if it could only come from the resource itself: 200 for "no token needed", 401
for "token needed". Many servers answer `HEAD` with something unrelated, and are asked
again as an MCP client would.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.upstream.challenges import (
    AuthChallenge,
    find_challenge,
    parse_www_authenticate,
)
from actor_oauth.oauth.upstream.failures import UpstreamFailed
from actor_oauth.upstream.documents import ANSWER_LIMITS, ask, unreachable
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.outgoing import Outgoing, Reply

_OK: Final = 200
_UNAUTHORIZED: Final = 401
_TOO_MANY_REQUESTS: Final = 429
_CLIENT: Final[dict[str, Json]] = {"name": "actor-oauth", "version": "0"}
# The first is what MCP servers know since 2026-07-28, the second what all knew before.
_CALLS: Final[tuple[tuple[str, Mapping[str, Json]], ...]] = (
    ("server/discover", {}),
    (
        "initialize",
        {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": _CLIENT,
        },
    ),
)


class Verdict(StrEnum):
    """What asking showed."""

    PUBLIC = "public"
    PROTECTED = "protected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What is known of a URL.

    Attributes:
        verdict: Whether it wants a token.
        challenge: What its refusal said, if it said anything.
    """

    verdict: Verdict
    challenge: AuthChallenge | None = None


async def probe(fetcher: Fetcher, url: str) -> Probed | UpstreamFailed:
    """Ask a URL without a token.

    Returns:
        Failed if it cannot be reached, or is broken: that says nothing about whether it
        is public (I-10).
    """
    head = Outgoing(url=url, method="HEAD", accept="*/*", reads_body=False)
    answer = await _judge(fetcher, head)
    for method, parameters in _CALLS:
        if isinstance(answer, UpstreamFailed | Probed):
            return answer
        answer = await _judge(fetcher, _call(url, method, parameters))
    if isinstance(answer, Reply):
        if answer.is_unavailable:
            return unreachable(answer)
        return Probed(verdict=Verdict.UNKNOWN)
    return answer


async def _judge(
    fetcher: Fetcher, request: Outgoing
) -> Probed | Reply | UpstreamFailed:
    """Give what a response proves, or the response if it proves nothing."""
    reply = await ask(fetcher, request, ANSWER_LIMITS)
    if isinstance(reply, UpstreamFailed):
        return reply
    if reply.status == _TOO_MANY_REQUESTS:
        return unreachable(reply)
    if reply.status == _OK:
        return Probed(verdict=Verdict.PUBLIC)
    if reply.status != _UNAUTHORIZED:
        return reply
    challenges = parse_www_authenticate(reply.header_lines("www-authenticate"))
    return Probed(verdict=Verdict.PROTECTED, challenge=find_challenge(challenges))


def _call(url: str, method: str, parameters: Mapping[str, Json]) -> Outgoing:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    return Outgoing(
        url=url,
        method="POST",
        accept="application/json, text/event-stream",
        body=json.dumps(body).encode(),
        # A server may answer with a stream that has no end.
        reads_body=False,
    )
