"""No address takes up everything: what each has open at once is bounded (G5).

Without a proxy in front an address is the peer of a connection, which counts from before
its first byte. Behind trusted proxies every connection is theirs: there it is the address
that they forward, and what counts is requests under way, event streams among them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, cast

import structlog

from actor_oauth.actors.refusals import Refusals
from actor_oauth.http.peer import caller_address
from actor_oauth.http.render import throttled
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.resource import Answer
from actor_oauth.resource.asgi import ASGIApp, HeaderLine, Receive, Scope, Send
from actor_oauth.resource.cors import CORS_HEADERS
from actor_oauth.runtime.errors import OverloadedError, describe
from actor_oauth.runtime.repeats import Repeats

RETRY_SECONDS: Final = 1
"""A place is free as soon as anything of that address ends."""

_LOG: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Crowding:
    """What each address has open, in one process.

    Args:
        by_address: How much one may have open; 0 for as much as it likes.
        in_all: How many connections there may be.
        hops: How many trusted proxies are in front.
        refusals: Where refusals are reported.
    """

    def __init__(
        self, *, by_address: int, in_all: int, hops: int, refusals: Refusals
    ) -> None:
        self._by_address = by_address
        self._in_all = in_all
        self._hops = hops
        self._refusals = refusals
        self._open: dict[str, int] = {}
        self._connections = 0
        self._repeats = Repeats()

    @contextmanager
    def connection(self, peer: str) -> Iterator[Reason | None]:
        """Have a place for a connection for as long as the block lasts.

        Args:
            peer: Its address; empty if it has none, as that of a Unix socket.

        Yields:
            Why there is none; None if there is.
        """
        if self._connections >= self._in_all:
            self._tell_that_all_are_open()
            yield Reason.OVERLOADED
            return
        address = "" if self._hops else caller_address(peer, (), hops=0)
        counts = bool(address and self._by_address)
        has_place = not counts or self._enter(address, "connection")
        self._connections += 1
        try:
            yield None if has_place else Reason.CONNECTIONS_TOO_MANY
        finally:
            self._connections -= 1
            if counts and has_place:
                self._leave(address)

    def around(self, app: ASGIApp) -> ASGIApp:
        """Bound the requests under way, where connections are those of proxies."""
        if not self._hops or not self._by_address:
            return app

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            address = self._forwarded(scope)
            if not self._enter(address, "request"):
                await _turn_away(scope, receive, send)
                return
            try:
                await app(scope, receive, send)
            finally:
                self._leave(address)

        return serve

    def _forwarded(self, scope: Scope) -> str:
        headers = cast("Sequence[HeaderLine]", scope["headers"])
        lines = [value for name, value in headers if name == b"x-forwarded-for"]
        peer = cast("tuple[str, int] | None", scope.get("client"))
        return caller_address(peer[0] if peer else "", lines, hops=self._hops)

    def _enter(self, address: str, what: str) -> bool:
        count = self._open.get(address, 0)
        if count >= self._by_address:
            refused = Refused(Reason.CONNECTIONS_TOO_MANY)
            self._refusals.note(refused, what, caller=address)
            return False
        self._open[address] = count + 1
        return True

    def _leave(self, address: str) -> None:
        count = self._open[address] - 1
        if count:
            self._open[address] = count
        else:
            del self._open[address]

    def _tell_that_all_are_open(self) -> None:
        error = OverloadedError(f"{self._in_all} connections are open")
        more = self._repeats.more("")
        if more is not None:
            _LOG.error("connection turned away", fault=describe(error), **more)
        self._refusals.fault(Reason.OVERLOADED, "connection", error)


async def _turn_away(scope: Scope, receive: Receive, send: Send) -> None:
    refused = throttled(RETRY_SECONDS)
    answer = Answer(
        status=refused.status,
        headers=(*refused.headers, *CORS_HEADERS),
        body=refused.body,
    )
    await answer(scope, receive, send)
