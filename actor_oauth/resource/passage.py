"""One request that the guard let through, for as long as its answer stays open (G-14).

A stream is checked again every half minute and when its token expires, and ended when
the token is no longer good. A check that cannot be made is tried again while the last
good one is less than a minute old and the token has not expired; then the stream is ended
unchecked.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final, cast

import anyio
import trio
from anyio.abc import TaskGroup

from actor_oauth.oauth.challenge import Challenge
from actor_oauth.oauth.tokens import AccessTokenInfo
from actor_oauth.resource.asgi import (
    ASGIApp,
    HeaderLine,
    Message,
    Receive,
    Scope,
    Send,
    cancel_of,
)
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


class Passage:
    """An ASGI application for exactly one request.

    Args:
        app: What is guarded.
        info: What the request's token is good for.
        check: Asks again.
        clock: Tells when the token expires.
        open_passages: Those whose answers stay open; has this one while its does.

    Attributes:
        info: As given.
        is_event_source: Whether this is an event stream that a GET request opened, and
            that therefore ends only when somebody ends it.
    """

    def __init__(
        self,
        app: ASGIApp,
        info: AccessTokenInfo,
        *,
        check: Check,
        clock: Clock,
        open_passages: "set[Passage]",
    ) -> None:
        self.info = info
        self.is_event_source = False
        self._app = app
        self._check = check
        self._clock = clock
        self._open_passages = open_passages
        self._method: object = None
        self._length_announced = False
        self._open = False
        self._watched = False
        self._cut = False
        self._fault: Exception | None = None
        self._send: Send
        self._cancel: Callable[[], object] | None = None
        self._tasks: TaskGroup | None = None
        self._watching: trio.CancelScope | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application, until it is done or its answer is cut."""
        self._method = scope["method"]
        self._send = send
        self._cancel = cancel_of(scope)
        try:
            if not trio.lowlevel.in_trio_task():
                await self._run_in_group(scope, receive)
            elif self._cancel is not None:
                await self._run(scope, receive)
            else:
                with trio.CancelScope() as running:
                    self._cancel = running.cancel
                    await self._run(scope, receive)
        finally:
            if self._watched:
                self._stop_watching()

    async def _run(self, scope: Scope, receive: Receive) -> None:
        """Run the application on Trio."""
        try:
            await self._app(scope, receive, self._pass_on)
        finally:
            if self._cut or self._fault is not None:
                await self._finish()

    async def _run_in_group(self, scope: Scope, receive: Receive) -> None:
        """Run the application on any other event loop."""
        async with anyio.create_task_group() as self._tasks:
            self._cancel = self._tasks.cancel_scope.cancel
            try:
                await self._app(scope, receive, self._pass_on)
            except Exception as fault:  # noqa: BLE001  raised again, outside of the group
                self._fault = fault
            if self._watched:
                self._cancel()
        await self._finish()

    async def _pass_on(self, message: Message) -> None:
        await self._send(self._noted(message))
        if self._open and not self._watched:
            self._watched = True
            self._watch()

    def _watch(self) -> None:
        """Begin to check the token again and again.

        Most answers are whole before a second could pass, and only one that stays open
        is worth a task: on Trio there is no nursery for it until then, nor afterwards.
        """
        self._open_passages.add(self)
        if self._tasks is not None:
            self._tasks.start_soon(self._cut_when_stale)
            return
        self._watching = trio.CancelScope()
        trio.lowlevel.spawn_system_task(self._watch_until, self._watching)

    def _stop_watching(self) -> None:
        self._open_passages.discard(self)
        if self._watching is not None:
            self._watching.cancel()

    async def _watch_until(self, watching: trio.CancelScope) -> None:
        with watching:
            try:
                await self._cut_when_stale()
            except Exception as fault:  # noqa: BLE001  raised again by the request
                self._fault = fault
                self.cut()

    def cut(self) -> None:
        """End the answer, if it is still open."""
        if self._open and self._cancel is not None:
            self._cut = True
            self._cancel()

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
            added = [line for line in CORS_HEADERS if line[0] not in headers]
            return {**message, "headers": lines + added}
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

    async def _finish(self) -> None:
        """Finish the stream that was cut, so that its client sees an end and asks anew.

        A client that does not read cannot hold the request open by that. An answer of
        announced length cannot be finished: there the server drops the connection.
        """
        if self._fault is not None:
            raise self._fault
        if self._cut and not self._length_announced:
            end = {"type": "http.response.body", "body": b"", "more_body": False}
            with anyio.move_on_after(_END_WITHIN, shield=True):
                await self._send(end)
