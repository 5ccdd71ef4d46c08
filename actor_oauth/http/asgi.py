"""Protocol endpoints straight on ASGI, beneath the routing of the pages' framework.

An exact path in one dictionary leads to a route; anything else goes to the
application behind. Here and only here a request's body is read (within a size and a
time), the method and the media type are checked, CORS is answered, and a fault
becomes an answer: an endpoint's own code never sees a request that is not well-formed
HTTP, and its exceptions never reach the wire.

Once an endpoint runs it is not cancelled when the client goes away: what it started in
an actor completes, and the answer is simply not delivered.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import trio
from hypercorn.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGISendCallable,
    ASGISendEvent,
    HTTPScope,
    Scope,
)

from actor_oauth.actors.refusals import Refusals
from actor_oauth.http.faults import FaultLog
from actor_oauth.http.messages import Endpoint, HeaderLine, Request, Response
from actor_oauth.http.render import refusal
from actor_oauth.oauth.wire import Reason, Refused

# J-15: by name, since `*` never covers Authorization.
_CORS_PREFLIGHT: tuple[HeaderLine, ...] = (
    (
        b"access-control-allow-headers",
        (
            b"Authorization, Content-Type, DPoP, MCP-Protocol-Version, "
            b"Mcp-Session-Id, Last-Event-ID, Mcp-Method, Mcp-Name"
        ),
    ),
    (b"access-control-max-age", b"86400"),
)
# J-16, J-17: on every answer, or browsers hide it from the client.
_CORS: tuple[HeaderLine, ...] = (
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"WWW-Authenticate, DPoP-Nonce, Retry-After, Mcp-Session-Id",
    ),
)

_WELL_KNOWN = "/.well-known/"
_BODILESS = frozenset({204, 304})
_WITH_BODY = frozenset({"POST", "PUT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a path answers.

    Attributes:
        endpoint: Runs on a whole, well-formed request.
        method: The verb besides OPTIONS. GET implies HEAD.
        further_methods: More verbs.
        media_type: The required media type of a POST's or PUT's body, or None if the
            body is ignored.
        wrong_media_type: What a client that sends another media type is told.
        cors: Whether scripts of any origin may read the answer (J-13).
    """

    endpoint: Endpoint
    method: str
    further_methods: tuple[str, ...] = ()
    media_type: bytes | None = None
    wrong_media_type: Reason = Reason.MEDIA_TYPE_WRONG
    cors: bool = True

    @property
    def methods(self) -> bytes:
        """The verbs answered, as `Allow` lists them."""
        first = ("GET", "HEAD") if self.method == "GET" else (self.method,)
        return ", ".join((*first, *self.further_methods, "OPTIONS")).encode()

    def answers(self, method: str) -> bool:
        """Tell whether the endpoint runs for a verb."""
        if method == "HEAD":
            return self.method == "GET"
        return method in (self.method, *self.further_methods)


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    """How much of a body is read, in bytes, and for how long, in seconds."""

    size: int
    seconds: float


class _DisconnectedError(Exception):
    """The client went away before its request was complete."""


class RoutedApp:
    """The ASGI application: routes first, the pages behind them.

    Args:
        routes: By exact path, percent-decoded.
        behind: Answers every other path, and everything that is not HTTP.
        unknown_document: Answers well-known paths that have no route.
        below: By the part of a path before its last segment, for routes that answer
            whatever that segment is.
        limits: For bodies of routed requests.
        headers: Added to every routed answer, such as HSTS.
        refusals: Where refusals and faults are reported.
        faults: Logs these.
        base: The issuer's path, below which endpoints are named.
    """

    def __init__(
        self,
        routes: Mapping[str, Route],
        behind: ASGIFramework,
        *,
        unknown_document: Route,
        limits: BodyLimits,
        below: Mapping[str, Route] | None = None,
        headers: Iterable[HeaderLine] = (),
        refusals: Refusals | None = None,
        faults: FaultLog | None = None,
        base: str = "",
    ) -> None:
        self._routes = routes
        self._behind = behind
        self._unknown_document = unknown_document
        self._below = below or {}
        self._limits = limits
        self._headers = tuple(headers)
        self._refusals = refusals or Refusals()
        self._faults = faults or FaultLog()
        self._base = base

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Serve one ASGI connection scope."""
        route = self._route(scope["path"]) if scope["type"] == "http" else None
        if scope["type"] != "http":
            await self._behind(scope, receive, send)
            return
        if route is None:
            await self._show_page(scope, receive, send)
            return
        try:
            response = await self._answer(route, scope, receive)
        except _DisconnectedError:
            return
        await self._send(response, route, scope["method"], send)

    async def _show_page(
        self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Let the pages answer, and send their answer once it is complete.

        Their framework cancels a request when its client disconnects, and the server
        reports a disconnect while it closes a connection after the last byte: sent from
        inside the framework, that response would cancel its own closing and leave the
        socket open.
        """
        answer: list[ASGISendEvent] = []

        async def keep(event: ASGISendEvent) -> None:
            answer.append(event)

        await self._behind(scope, receive, keep)
        for event in answer:
            await send(event)

    def _route(self, path: str) -> Route | None:
        route = self._routes.get(path) or self._below.get(path.rpartition("/")[0])
        if route is None and path.startswith(_WELL_KNOWN):
            return self._unknown_document
        return route

    async def _answer(
        self, route: Route, scope: HTTPScope, receive: ASGIReceiveCallable
    ) -> Response:
        """Run the route; whatever goes wrong there becomes a response."""
        method = scope["method"]
        if method == "OPTIONS":
            return _preflight(route)
        endpoint = scope["path"].removeprefix(self._base).strip("/")
        try:
            request = await self._read(route, endpoint, scope, receive)
            if isinstance(request, Request):
                return await route.endpoint(request)
            self._refusals.note(request, endpoint)
            if request.reason is Reason.METHOD_NOT_ALLOWED:
                return _method_not_allowed(route)
            return refusal(request.reason)
        except _DisconnectedError:
            raise
        except Exception as fault:  # noqa: BLE001 - the root: faults end here, logged
            reason = self._faults.log(fault, method=method, path=scope["path"])
            self._refusals.fault(reason, endpoint, fault)
            return refusal(reason)

    async def _read(
        self,
        route: Route,
        endpoint: str,
        scope: HTTPScope,
        receive: ASGIReceiveCallable,
    ) -> Request | Refused:
        """Collect the request, or say why it is not acceptable."""
        if not route.answers(scope["method"]):
            return Refused(Reason.METHOD_NOT_ALLOWED)
        headers = list(scope["headers"])
        body = b""
        if route.media_type is not None and scope["method"] in _WITH_BODY:
            if _media_type(headers) != route.media_type:
                return Refused(route.wrong_media_type)
            with trio.move_on_after(self._limits.seconds) as deadline:
                read = await _read_body(
                    receive, self._limits.size, expected=_content_length(headers)
                )
            if deadline.cancelled_caught:
                return Refused(Reason.BODY_TOO_SLOW)
            if read is None:
                return Refused(Reason.FORM_TOO_LARGE)
            body = read
        client = scope.get("client")
        return Request(
            method=scope["method"],
            path=scope["path"],
            endpoint=endpoint,
            query_string=scope["query_string"],
            headers=headers,
            body=body,
            connection=client[0] if client else "",
        )

    async def _send(
        self, response: Response, route: Route, method: str, send: ASGISendCallable
    ) -> None:
        headers = [*response.headers, *self._headers]
        if route.cors:
            headers.extend(_CORS)
        if response.status not in _BODILESS:
            headers.append((b"content-length", b"%d" % len(response.body)))
        await send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": headers,
                "trailers": False,
            }
        )
        body = b"" if method == "HEAD" else response.body
        await send({"type": "http.response.body", "body": body, "more_body": False})


async def _read_body(
    receive: ASGIReceiveCallable, limit: int, *, expected: bytes | None
) -> bytes | None:
    """Read a body of at most `limit` bytes; None if it is larger.

    Args:
        receive: The rest of the request.
        limit: In bytes.
        expected: How many bytes were announced, in digits. Once they are here nothing
            follows: the server holds a request to what it announces.

    Raises:
        _DisconnectedError: The client went away.
    """
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _DisconnectedError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
        if b"%d" % size == expected or not message.get("more_body", False):
            return b"".join(chunks)


def _content_length(headers: Iterable[HeaderLine]) -> bytes | None:
    """The announced length of the body; None if something else decides about it."""
    length = None
    for name, value in headers:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            length = value
    return length


def _media_type(headers: Iterable[HeaderLine]) -> bytes | None:
    """The media type without parameters; None if absent or said more than once."""
    lines = [value for name, value in headers if name == b"content-type"]
    if len(lines) != 1:
        return None
    return lines[0].partition(b";")[0].strip().lower()


def _preflight(route: Route) -> Response:
    """Answer OPTIONS without any credentials (J-14)."""
    allowed: tuple[HeaderLine, ...] = ((b"allow", route.methods),)
    if route.cors:
        allowed += ((b"access-control-allow-methods", route.methods), *_CORS_PREFLIGHT)
    return Response(status=204, headers=allowed)


def _method_not_allowed(route: Route) -> Response:
    refused = refusal(Reason.METHOD_NOT_ALLOWED)
    return Response(
        status=refused.status,
        headers=(*refused.headers, (b"allow", route.methods)),
        body=refused.body,
    )
