"""Discarding the rest of a request's body after the request was answered.

An application need not read a body that it does not use. Hypercorn buffers a few pieces
of it, and then waits for ever for somebody to take them: the connection stayed open
with all that it held, even long after its client had disconnected.

Nor can a connection be used again before the body of its last request has come. Many
clients send it behind the head, and an answer that needs no body, such as a 401, would be
faster: the client would use the connection again while it is being closed. So an answer
waits for a body that is short, and says that it is the last one if that does not come.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

import trio
from hypercorn.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    HTTPDisconnectEvent,
    HTTPResponseStartEvent,
    Scope,
)

_SHORT_BYTES: Final = 65536
_PATIENCE_SECONDS: Final = 1.0


def without_unread_bodies(app: ASGIFramework) -> ASGIFramework:
    """Give an application whose answers end also where it did not read all of a body."""

    async def serve(
        scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] != "http" or not _has_body(scope["headers"]):
            await app(scope, receive, send)
            return
        body = _Body(receive, expected=_announced(scope["headers"]))

        async def send_and_let_go(event: ASGISendEvent) -> None:
            if event["type"] == "http.response.start" and not body.is_over:
                came = await body.come()
                await send(event if came else _saying_that_it_closes(event))
            elif _is_last(event) and not body.is_over:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(body.drop)
                    await send(event)
                    nursery.cancel_scope.cancel()
            else:
                await send(event)

        await app(scope, body.receive, send_and_let_go)

    return serve


class _Body:
    """A request's body, and what follows it.

    Attributes:
        is_over: Whether the application has all of it.
    """

    def __init__(self, receive: ASGIReceiveCallable, *, expected: int | None) -> None:
        self.is_over = expected == 0
        self._receive = receive
        self._missing = expected
        self._kept: deque[ASGIReceiveEvent] = deque()
        self._readers = 0
        self._is_dropped = False
        self._gone = trio.Event()

    async def receive(self) -> ASGIReceiveEvent:
        """Give the application what comes next; once it has answered, the end."""
        if self._is_dropped:
            await self._gone.wait()
            return HTTPDisconnectEvent(type="http.disconnect")
        if self._kept:
            return self._kept.popleft()
        self._readers += 1
        try:
            return await self._next()
        finally:
            self._readers -= 1

    async def come(self) -> bool:
        """Wait a little for a short body, and keep it for the application.

        One that the application is reading meanwhile is not waited for.

        Returns:
            Whether all of it is here.
        """
        if self._missing is None or self._missing > _SHORT_BYTES or self._readers:
            return False
        with trio.move_on_after(_PATIENCE_SECONDS):
            while not self.is_over:
                self._kept.append(await self._next())
        return self.is_over

    async def _next(self) -> ASGIReceiveEvent:
        event = await self._receive()
        if event["type"] == "http.request":
            if self._missing is not None:
                self._missing -= len(event["body"])
            self.is_over = self._missing == 0 or not event["more_body"]
        else:
            self.is_over = True
        return event

    async def drop(self) -> None:
        """Take what comes and forget it, until there is no more or nobody waits for it."""
        self._is_dropped = True
        try:
            event = await self._receive()
            while event["type"] == "http.request":
                event = await self._receive()
        finally:
            self._gone.set()


def _is_last(event: ASGISendEvent) -> bool:
    return event["type"] == "http.response.body" and not event.get("more_body", False)


def _saying_that_it_closes(start: HTTPResponseStartEvent) -> HTTPResponseStartEvent:
    headers = [*start["headers"], (b"connection", b"close")]
    return HTTPResponseStartEvent(
        type="http.response.start", status=start["status"], headers=headers
    )


def _has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in headers)


def _announced(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """The length of a body in bytes; None if it is not said. h11 has checked it."""
    values = dict(headers)
    if b"transfer-encoding" in values:
        return None
    return int(values[b"content-length"])
