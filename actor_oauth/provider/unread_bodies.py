"""Letting go of what a request goes on to bring after it was answered.

An application need not read a body that it has no use of. Hypercorn keeps a few pieces of
it, waits for somebody to take them, and waits so for ever once nobody will: the connection
stayed open with all that it held, also after its client was long gone.
"""

from collections.abc import Iterable

import trio
from hypercorn.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    HTTPDisconnectEvent,
    Scope,
)


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
            if _is_last(event) and not body.is_over:
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
        self.is_over = False
        self._receive = receive
        self._missing = expected
        self._is_dropped = False
        self._gone = trio.Event()

    async def receive(self) -> ASGIReceiveEvent:
        """Give the application what comes next; once it has answered, the end."""
        if self._is_dropped:
            await self._gone.wait()
            return HTTPDisconnectEvent(type="http.disconnect")
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


def _has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in headers)


def _announced(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """The length of a body in bytes; None if it is not said. h11 has checked it."""
    values = dict(headers)
    if b"transfer-encoding" in values:
        return None
    return int(values[b"content-length"])
