"""HTTP as values: what an endpoint is given and what it answers.

An endpoint is a function from `Request` to `Response`. It never sees ASGI, so that
it reads as the protocol does and costs little on the hottest path.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

HeaderLine = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One whole HTTP request.

    Attributes:
        method: Upper-case verb.
        path: Percent-decoded, without the query.
        endpoint: The path below the issuer's, without the slash: what logs call it.
        query_string: As on the wire.
        headers: Names in lower case, in the order received, repeats kept.
        body: Complete; empty for a method that has none.
        connection: Address of the peer of the connection, which may be a proxy.
    """

    method: str
    path: str
    endpoint: str
    query_string: bytes
    headers: Sequence[HeaderLine]
    body: bytes
    connection: str

    def header_lines(self, name: bytes) -> list[bytes]:
        """All values of the header `name` (lower case), one for each line."""
        return [value for key, value in self.headers if key == name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One whole HTTP response; `Content-Length` is added when it is sent."""

    status: int
    headers: tuple[HeaderLine, ...] = ()
    body: bytes = b""


Endpoint = Callable[[Request], Awaitable[Response]]
