"""One request that the guard let through, for as long as its answer stays open (G-14).

A stream is checked again every half minute and when its token expires, and ended when
the token is no longer good. A check that cannot be made is tried again while the last
good one is less than a minute old and the token has not expired; then the stream is ended
unchecked.
"""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Final, Protocol, cast

import anyio
import trio

from actor_oauth.oauth.challenge import Challenge
from actor_oauth.oauth.tokens import AccessTokenInfo
from actor_oauth.resource.asgi import ASGIApp, HeaderLine, Message, Receive, Scope, Send
from actor_oauth.resource.cors import CORS_HEADERS
from actor_oauth.runtime import ActorError, Clock

# G-14 allows 60 seconds from check to check. Half of it leaves time for retries when a
# check cannot be made.
_RECHECK_EVERY: Final = 30
_RECHECK_WITHIN: Final = 60
_RETRY_EVERY: Final = 5
_END_WITHIN: Final = 5

Check = Callable[[], Awaitable[Challenge | AccessTokenInfo]]
"""Asks about the request's token once more."""


class _Cancellable(Protocol):
    def cancel(self) -> None: ...


class Passage:
    """An ASGI application for exactly one request.

    Args:
        app: What is guarded.
        info: What the request's token is good for.
        check: Asks again.
        clock: Tells when the token expires.

    Attributes:
        info: As given.
        is_event_source: Whether this is an event stream that a GET request opened, and
            that therefore ends only when somebody ends it.
    """

    def __init__(
        self, app: ASGIApp, info: AccessTokenInfo, *, check: Check, clock: Clock
    ) -> None:
        self.info = info
        self.is_event_source = False
        self._app = app
        self._check = check
        self._clock = clock
        self._method: object = None
        self._length_announced = False
        self._open = False
        self._watched = False
        self._cut = False
        self._fault: Exception | None = None
        self._running: _Cancellable | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application, until it is done or its answer is cut."""
        self._method = scope["method"]
        run = self._run if trio.lowlevel.in_trio_task() else self._run_in_group
        await run(scope, receive, send)
        if self._fault is not None:
            raise self._fault
        if self._cut and not self._length_announced:
            await self._end_stream(send)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application on Trio.

        Most answers are whole before a second could pass, and only one that stays open
        is worth a task: there is no nursery for it until then, nor afterwards.
        """
        watching: trio.CancelScope | None = None

        def watch() -> None:
            nonlocal watching
            watching = trio.CancelScope()
            trio.lowlevel.spawn_system_task(self._watch, watching)

        try:
            with trio.CancelScope() as self._running:
                await self._app(scope, receive, self._noting(send, watch))
        finally:
            if watching is not None:
                watching.cancel()

    async def _watch(self, watching: trio.CancelScope) -> None:
        with watching:
            try:
                await self._cut_when_stale()
            except Exception as fault:  # noqa: BLE001  raised again by the request
                self._fault = fault
                self.cut()

    async def _run_in_group(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application on any other event loop."""
        async with anyio.create_task_group() as tasks:
            self._running = tasks.cancel_scope
            watch = partial(tasks.start_soon, self._cut_when_stale)
            try:
                await self._app(scope, receive, self._noting(send, watch))
            except Exception as fault:  # noqa: BLE001  raised again, outside of the group
                self._fault = fault
            if self._watched:
                tasks.cancel_scope.cancel()

    def _noting(self, send: Send, watch: Callable[[], object]) -> Send:
        async def send_and_watch(message: Message) -> None:
            await send(self._noted(message))
            if self._open and not self._watched:
                self._watched = True
                watch()

        return send_and_watch

    def cut(self) -> None:
        """End the answer, if it is still open."""
        if self._open and self._running is not None:
            self._cut = True
            self._running.cancel()

    def _noted(self, message: Message) -> Message:
        if message["type"] == "http.response.start":
            lines = list(cast("Iterable[HeaderLine]", message.get("headers", ())))
            headers = {name.lower(): value for name, value in lines}
            self._length_announced = b"content-length" in headers
            self._open = not self._length_announced
            self.is_event_source = self._method == "GET" and headers.get(
                b"content-type", b""
            ).startswith(b"text/event-stream")
            # What the application did not decide itself.
            lines += [line for line in CORS_HEADERS if line[0] not in headers]
            return {**message, "headers": lines}
        self._open = bool(message.get("more_body", False))
        return message

    async def _cut_when_stale(self) -> None:
        verdict: Challenge | AccessTokenInfo | None = self.info
        while isinstance(verdict, AccessTokenInfo):
            remaining = verdict.expires_at - self._clock.now()
            await anyio.sleep(min(_RECHECK_EVERY, max(remaining, 0)))
            remaining = verdict.expires_at - self._clock.now()
            verdict = await self._checked_again(max(remaining, 0))
        self.cut()

    async def _checked_again(
        self, remaining: int
    ) -> Challenge | AccessTokenInfo | None:
        # Of a token that has expired nothing needs to be asked.
        with anyio.move_on_after(min(_RECHECK_WITHIN - _RECHECK_EVERY, remaining)):
            while True:
                try:
                    return await self._check()
                except ActorError:
                    await anyio.sleep(_RETRY_EVERY)
        return None

    @staticmethod
    async def _end_stream(send: Send) -> None:
        """Finish the stream that was cut, so that its client sees an end and asks anew.

        A client that does not read cannot hold the request open by that. An answer of
        announced length cannot be finished: there the server drops the connection.
        """
        with anyio.move_on_after(_END_WITHIN):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
