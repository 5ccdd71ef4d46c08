"""The few ASGI words that the guard needs; it works below and above any framework."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final, NamedTuple, NotRequired, TypedDict, cast

Scope = MutableMapping[str, object]
Message = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# Starlette, Quart and Hypercorn each describe the same three arguments with types that
# exclude each other's; an application of any of them may be guarded.
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]  # type: ignore[explicit-any]
"""An application of any ASGI framework."""

HeaderLine = tuple[bytes, bytes]


CANCEL_EXTENSION: Final = "actor_oauth.cancel"
"""ASGI extension of a server that can cancel a request: `{"cancel": function}`.

What the application sends afterwards, shielded from the cancellation, must still reach
the client.
"""


class _HttpScope(TypedDict):
    method: str
    path: str
    query_string: NotRequired[bytes]
    extensions: NotRequired[Mapping[str, Mapping[str, Callable[[], object]]]]
    headers: Sequence[HeaderLine]


class RequestHead(NamedTuple):
    """What the guard reads of a request: everything but the body.

    Attributes:
        method: Upper-case verb.
        path: Percent-decoded, without the query.
        query_string: As on the wire.
        headers: By name in lower case, one value for each line.
    """

    method: str
    path: str
    query_string: bytes
    headers: Mapping[bytes, Sequence[bytes]]

    def lines(self, name: bytes) -> Sequence[bytes]:
        """All values of the header `name` (lower case), one for each line."""
        return self.headers.get(name, ())


def cancel_of(scope: Scope) -> Callable[[], object] | None:
    """The function that cancels this request, if its server has one."""
    offered = cast("_HttpScope", scope).get("extensions", {}).get(CANCEL_EXTENSION)
    return None if offered is None else offered["cancel"]


def request_head(scope: Scope) -> RequestHead:
    """Read the head of the request from an ASGI scope of type `http`.

    Servers must give names in lower case; the names are folded all the same, since a
    credential that is overlooked is worse than a few microseconds.
    """
    request = cast("_HttpScope", scope)
    headers: dict[bytes, list[bytes]] = {}
    for name, value in request["headers"]:
        headers.setdefault(name.lower(), []).append(value)
    query = request.get("query_string", b"")
    return RequestHead(request["method"].upper(), request["path"], query, headers)
