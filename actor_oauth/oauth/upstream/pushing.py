"""Pushing an authorization request to another server (RFC 9126).

Where the server has an endpoint for it, the request is sent there directly: the browser
only carries a reference to it, which nobody can change on the way.
"""

import re
from collections.abc import Mapping
from typing import Final

from actor_oauth.oauth.json_values import Json, get_text, parse_json_object
from actor_oauth.oauth.upstream.attempts import Departure, with_query
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.token_response import CLIENT_ERRORS, error_word

_CREATED: Final = (200, 201)
_REQUEST_URI: Final = re.compile(r"[\x21-\x7e]{1,2048}")


def decide_pushed(
    status: int, body: bytes, departure: Departure
) -> str | UpstreamFailed:
    """Decide where the browser goes after a request was pushed.

    A server that lists the endpoint and does not insist on it may refuse: then the
    browser carries the request, as it does to all servers without that endpoint.

    Args:
        status: Of the answer, of a server that was able to answer.
        body: Of the answer.
        departure: What was pushed.

    Returns:
        The URL to send the browser to.

    Source: RFC 9126 §2.2, §2.3, §4, §5.
    """
    members: Mapping[str, Json] = parse_json_object(body) or {}
    name = get_text(members, "request_uri") or ""
    if status in _CREATED and _REQUEST_URI.fullmatch(name):
        server, client = departure.attempt.server, departure.attempt.client
        named = {"client_id": client.client_id, "request_uri": name}
        return with_query(server.authorization_endpoint, named)
    error = get_text(members, "error") or ""
    detail = f"pushed request: {status} {error_word(error)}"
    if error in CLIENT_ERRORS:
        return UpstreamFailed(fault=UpstreamFault.CLIENT_REJECTED, detail=detail)
    if departure.attempt.server.require_pushed_authorization_requests:
        return UpstreamFailed(fault=UpstreamFault.AUTHORIZATION_FAILED, detail=detail)
    return departure.url
