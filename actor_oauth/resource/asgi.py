"""The few ASGI words that the guard needs; it works below and above any framework."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

Scope = MutableMapping[str, object]
Message = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# Starlette, Quart and Hypercorn each describe the same three arguments with types that
# exclude each other's; an application of any of them may be guarded.
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]  # type: ignore[explicit-any]
"""An application of any ASGI framework."""

HeaderLine = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """What the guard reads of a request: everything but the body.

    Attributes:
        method: Upper-case verb.
        path: Percent-decoded, without the query.
        query_string: As on the wire.
        headers: Names in lower case, repeats kept.
    """

    method: str
    path: str
    query_string: bytes
    headers: Sequence[HeaderLine]

    def lines(self, name: bytes) -> list[bytes]:
        """All values of the header `name` (lower case), one for each line."""
        return [value for key, value in self.headers if key == name]


def request_head(scope: Scope) -> RequestHead:
    """Read the head of the request from an ASGI scope of type `http`.

    Servers must give names in lower case; the names are folded all the same, since a
    credential that is overlooked is worse than a few microseconds.
    """
    lines = cast("Sequence[HeaderLine]", scope["headers"])
    return RequestHead(
        method=cast("str", scope["method"]).upper(),
        path=cast("str", scope["path"]),
        query_string=cast("bytes", scope.get("query_string", b"")),
        headers=[(name.lower(), value) for name, value in lines],
    )
