"""`BearerGuard`: lets requests with a good access token through to an ASGI application.

It checks every request anew, so that a revoked token stops working with the next
request, and it checks open streams while they are open (G-14): a server-sent event
stream whose token expires or is revoked is ended.

A check that could not be made (`ActorError`: overload, full disk, shutdown) is answered
503 and never 401, since clients throw tokens away on 401.

The guard holds no token and no answer between requests.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, cast

import trio

from actor_oauth.oauth.tokens import AccessTokenInfo
from actor_oauth.resource.admission import (
    Protection,
    decide_request,
    decide_token,
    missing_scopes,
)
from actor_oauth.resource.answers import Answer, challenge_answer, unavailable
from actor_oauth.resource.asgi import (
    ASGIApp,
    HeaderLine,
    Message,
    Receive,
    RequestHead,
    Scope,
    Send,
    request_head,
)
from actor_oauth.resource.bearer import BearerToken
from actor_oauth.resource.challenge import Challenge
from actor_oauth.resource.cors import with_cors
from actor_oauth.runtime import ActorError, Clock, SystemClock

ValidateToken = Callable[[str, str], Awaitable[AccessTokenInfo | None]]
"""`(resource identifier, token)` to what the token is good for, or None."""

TOKEN_KEY: Final = "actor_oauth.token"  # noqa: S105  a key, not a token
"""Where the guarded application finds the verified `AccessTokenInfo` in its scope."""
_PROTECTION_KEY: Final = "actor_oauth.protection"

RETRY_AFTER: Final = 1
# G-14 allows 60 seconds from check to check. Half of it leaves time for retries when a
# check cannot be made, before the stream has to be ended unchecked.
_RECHECK_EVERY: Final = 30
_RECHECK_WITHIN: Final = 60
_RETRY_EVERY: Final = 5
_END_WITHIN: Final = 5


class BearerGuard:
    """ASGI middleware that protects an application with access tokens.

    `lifespan` goes through to the application. WebSockets are refused: no browser can
    send a header with them, and nothing here re-checks them.

    Args:
        app: Any ASGI application.
        protection: What is guarded and how; `ResourceServer.guard` makes it.
        validate_token: Asks the authorization server, for every request.
        clock: Tells when tokens expire while a stream is open.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        protection: Protection,
        validate_token: ValidateToken,
        clock: Clock | None = None,
    ) -> None:
        self._app = app
        self._protection = protection
        self._validate_token = validate_token
        self._clock = clock or SystemClock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request.

        Cancelling it cancels the application; nothing is left behind.
        """
        match scope["type"]:
            case "http":
                await self._serve(scope, receive, send)
            case "lifespan":
                await self._app(scope, receive, send)
            case _:
                await send({"type": "websocket.close", "code": 1008})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = request_head(scope)
        decision = decide_request(self._protection, head)
        if isinstance(decision, BearerToken):
            verdict = await self._admit(decision, head)
            await verdict(scope, receive, send)
        else:
            await decision(scope, receive, send)

    async def _admit(
        self, token: BearerToken, head: RequestHead
    ) -> "Answer | _Passage":
        async def check() -> Challenge | AccessTokenInfo:
            resource = self._protection.resource
            info = await self._validate_token(resource, token.value)
            now = self._clock.now()
            return decide_token(self._protection, head.path, info, now=now)

        try:
            verdict = await check()
        except ActorError:
            return unavailable(RETRY_AFTER)
        if isinstance(verdict, Challenge):
            return challenge_answer(verdict)
        inner: Scope = {TOKEN_KEY: verdict, _PROTECTION_KEY: self._protection}
        return _Passage(self._app, inner, verdict, check, self._clock)


def verified_token(scope: Mapping[str, object]) -> AccessTokenInfo:
    """What the caller's token is good for: user, client, scope, props.

    Args:
        scope: The ASGI scope of a request that the guard let through.

    Raises:
        KeyError: There is no guard in front.
    """
    return cast("AccessTokenInfo", scope[TOKEN_KEY])


def require_scopes(scope: Mapping[str, object], *names: str) -> Answer | None:
    """Ask for more scopes than the guard does, for one operation.

    Args:
        scope: The ASGI scope of a request that the guard let through.
        *names: All scopes that the operation needs (G-08).

    Returns:
        None if the token has them all; otherwise the 403 to answer with, which tells
        the client what to ask its user for.

    Raises:
        KeyError: There is no guard in front.
    """
    granted = verified_token(scope).scope
    protection = cast("Protection", scope[_PROTECTION_KEY])
    if not missing_scopes(names, granted, protection.implied):
        return None
    return challenge_answer(protection.insufficient_scope(names))


class _Passage:
    """One admitted request, from the application's start to the end of its answer."""

    def __init__(
        self,
        app: ASGIApp,
        inner_scope: Scope,
        info: AccessTokenInfo,
        check: Callable[[], Awaitable[Challenge | AccessTokenInfo]],
        clock: Clock,
    ) -> None:
        self._app = app
        self._inner_scope = inner_scope
        self._info = info
        self._check = check
        self._clock = clock
        self._length_announced = False
        self._open = False
        self._watched = False
        self._cut = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application, until it is done or its token is no longer good."""
        fault: Exception | None = None
        async with trio.open_nursery() as nursery:

            async def send_and_watch(message: Message) -> None:
                await send(self._noted(message))
                # Most answers are whole before a second could pass: only one that
                # stays open is worth a task.
                if self._open and not self._watched:
                    self._watched = True
                    nursery.start_soon(self._end_when_stale, nursery.cancel_scope)

            try:
                inner_scope = {**scope, **self._inner_scope}
                await self._app(inner_scope, receive, send_and_watch)
            except Exception as error:  # noqa: BLE001  raised again below
                # Outside of the nursery, which would wrap it in a group.
                fault = error
            if self._watched:
                nursery.cancel_scope.cancel()
        if fault is not None:
            raise fault
        if self._cut and not self._length_announced:
            await self._end_stream(send)

    def _noted(self, message: Message) -> Message:
        if message["type"] == "http.response.start":
            headers = list(cast("Iterable[HeaderLine]", message.get("headers", ())))
            names = {name.lower() for name, _ in headers}
            self._length_announced = b"content-length" in names
            self._open = not self._length_announced
            return {**message, "headers": with_cors(headers)}
        self._open = bool(message.get("more_body", False))
        return message

    async def _end_when_stale(self, stream: trio.CancelScope) -> None:
        verdict: Challenge | AccessTokenInfo | None = self._info
        while isinstance(verdict, AccessTokenInfo):
            remaining = verdict.expires_at - self._clock.now()
            await trio.sleep(min(_RECHECK_EVERY, max(remaining, 0)))
            verdict = await self._checked_again()
        if self._open:
            self._cut = True
            stream.cancel()

    async def _checked_again(self) -> Challenge | AccessTokenInfo | None:
        """Check once more; if that fails, keep trying while the last check is fresh."""
        with trio.move_on_after(_RECHECK_WITHIN - _RECHECK_EVERY):
            while True:
                try:
                    return await self._check()
                except ActorError:
                    await trio.sleep(_RETRY_EVERY)
        return None

    @staticmethod
    async def _end_stream(send: Send) -> None:
        """Finish the stream that was cut, so that its client sees an end and asks anew.

        A client that does not read cannot hold the request open by that. An answer of
        announced length cannot be finished: there the server drops the connection.
        """
        with trio.move_on_after(_END_WITHIN):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
