"""Decisions to responses: JSON, wire errors, and the headers that go with them."""

import json
from collections.abc import Mapping
from typing import Final

from actor_oauth.http.messages import HeaderLine, Response
from actor_oauth.oauth.wire import Reason, WireError, to_wire

JSON_TYPE: HeaderLine = (b"content-type", b"application/json")

# RFC 6749 §5.1 wants both; RFC 6797 and J-12 the rest.
NO_STORE: tuple[HeaderLine, ...] = (
    (b"cache-control", b"no-store"),
    (b"pragma", b"no-cache"),
)
NO_SNIFF: HeaderLine = (b"x-content-type-options", b"nosniff")

# Created once, as `json.dumps` would create one for every response.
_encode: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

_JSON_NO_STORE: tuple[HeaderLine, ...] = (JSON_TYPE, *NO_STORE, NO_SNIFF)


def json_bytes(members: Mapping[str, object]) -> bytes:
    """Render one JSON object, compactly, in UTF-8."""
    return _encode(members).encode()


def private_json(members: Mapping[str, object], *, status: int = 200) -> Response:
    """Answer with a JSON object that no cache may keep (D-04)."""
    return Response(status=status, headers=_JSON_NO_STORE, body=json_bytes(members))


def wire_error(error: WireError) -> Response:
    """Answer with an error of RFC 6749 §5.2, never cached (D-05)."""
    headers = list(_JSON_NO_STORE)
    if error.www_authenticate is not None:
        headers.append((b"www-authenticate", error.www_authenticate.encode()))
    if error.retry_after is not None:
        headers.append((b"retry-after", str(error.retry_after).encode()))
    if error.dpop_nonce is not None:
        headers.append((b"dpop-nonce", error.dpop_nonce.encode()))
    return Response(
        status=error.status, headers=tuple(headers), body=json_bytes(error.to_json())
    )


def refusal(reason: Reason) -> Response:
    """Answer with what a client may know about `reason`."""
    return wire_error(to_wire(reason))


def throttled(seconds: int) -> Response:
    """Answer 429 to a caller who may try again in `seconds`."""
    error = to_wire(Reason.RATE_LIMITED)
    return wire_error(
        WireError(
            error=error.error,
            description=error.description,
            status=error.status,
            retry_after=seconds,
        )
    )
