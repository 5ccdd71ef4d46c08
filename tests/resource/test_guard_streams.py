"""Open streams: they end when the token they were opened with is no longer good."""

import pytest
import trio
from trio.testing import MockClock

from actor_oauth.resource import BearerGuard
from actor_oauth.resource.asgi import (
    CANCEL_EXTENSION,
    ASGIApp,
    Message,
    Receive,
    Scope,
    Send,
)
from actor_oauth.runtime import OverloadedError, TrioClock
from tests.resource.asgi_calls import (
    NOW,
    Authority,
    Reply,
    http_scope,
    protection,
    receive,
    token_info,
)

HEADERS = [(b"authorization", b"Bearer good")]


async def tick(scope: Scope, receive: Receive, send: Send) -> None:
    """A server-sent event stream: one event every seven seconds, for ever."""
    events = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": events})
    while True:
        await send({"type": "http.response.body", "body": b".", "more_body": True})
        await trio.sleep(7)


async def stay_silent(scope: Scope, receive: Receive, send: Send) -> None:
    """A stream that is open and sends nothing."""
    await send({"type": "http.response.start", "status": 200})
    await trio.sleep_forever()


async def download(scope: Scope, receive: Receive, send: Send) -> None:
    """A long answer of announced length."""
    length = [(b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    while True:
        await send({"type": "http.response.body", "body": b".", "more_body": True})
        await trio.sleep(7)


async def ask(guard: BearerGuard, send: Send, *, cancels: bool) -> None:
    """Send a request, through a server that can cancel requests or one that cannot."""
    scope = http_scope(headers=HEADERS)
    with trio.CancelScope() as request:
        if cancels:
            scope["extensions"] = {CANCEL_EXTENSION: {"cancel": request.cancel}}
        await guard(scope, receive, send)


SERVERS = pytest.mark.parametrize("cancels", [False, True])


class Stream:
    """A request whose answer stays open, in a task of its own."""

    def __init__(
        self,
        app: ASGIApp,
        authority: Authority,
        nursery: trio.Nursery,
        *,
        cancels: bool = False,
    ) -> None:
        self._cancels = cancels
        self.reply = Reply()
        self.done = trio.Event()
        self.ended_after: float | None = None
        self._started = trio.current_time()
        guard = BearerGuard(
            app,
            protection=protection(),
            validate_token=authority.validate_token,
            clock=TrioClock(NOW),
        )
        nursery.start_soon(self._run, guard)

    async def _run(self, guard: BearerGuard) -> None:
        await ask(guard, self.reply.send, cancels=self._cancels)
        self.ended_after = trio.current_time() - self._started
        self.done.set()


@SERVERS
@pytest.mark.requirement("G-14")
@pytest.mark.parametrize("app", [tick, stay_silent])
async def test_a_stream_ends_when_its_token_expires(
    app: ASGIApp,
    cancels: bool,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    authority = Authority(info=token_info(expires_at=NOW + 45))
    stream = Stream(app, authority, nursery, cancels=cancels)
    await stream.done.wait()
    assert stream.ended_after == pytest.approx(45)
    assert stream.reply.status == 200
    assert stream.reply.ended


@pytest.mark.requirement("G-14")
async def test_a_stream_ends_within_a_minute_of_the_revocation(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    authority = Authority()
    stream = Stream(tick, authority, nursery)
    await trio.sleep(125)
    assert not stream.done.is_set()
    authority.info = None
    await stream.done.wait()
    assert stream.ended_after is not None
    assert stream.ended_after <= 125 + 60
    assert stream.reply.ended


@pytest.mark.requirement("G-14")
async def test_a_check_that_fails_for_a_while_does_not_end_the_stream(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    authority = Authority()
    stream = Stream(tick, authority, nursery)
    await trio.sleep(1)
    authority.faults = [OverloadedError("busy")] * 4
    await trio.sleep(299)
    assert not stream.done.is_set()
    authority.info = None
    await stream.done.wait()


@pytest.mark.requirement("G-14")
async def test_a_stream_that_cannot_be_checked_for_a_minute_is_ended(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    authority = Authority()
    stream = Stream(tick, authority, nursery)
    await trio.sleep(1)
    authority.faults = [OverloadedError("busy")] * 1000
    await stream.done.wait()
    assert stream.ended_after == pytest.approx(60)


@SERVERS
@pytest.mark.requirement("G-14")
async def test_a_bug_in_a_later_check_ends_the_stream_and_reaches_the_server(
    cancels: bool,
    autojump_clock: MockClock,
) -> None:
    authority = Authority()
    guard = BearerGuard(
        tick,
        protection=protection(),
        validate_token=authority.validate_token,
        clock=TrioClock(NOW),
    )

    async def send(message: Message) -> None:
        authority.faults = [RuntimeError("bug")]

    with trio.fail_after(60), pytest.raises(RuntimeError, match="bug"):
        await ask(guard, send, cancels=cancels)


@pytest.mark.requirement("G-14")
async def test_a_stream_that_cannot_be_checked_ends_when_its_token_expires(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    authority = Authority(info=token_info(expires_at=NOW + 45))
    stream = Stream(tick, authority, nursery)
    await trio.sleep(1)
    authority.faults = [OverloadedError("busy")] * 1000
    await stream.done.wait()
    assert stream.ended_after == pytest.approx(45)


@SERVERS
@pytest.mark.requirement("G-14")
async def test_an_answer_of_announced_length_is_dropped_rather_than_finished(
    cancels: bool, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    authority = Authority(info=token_info(expires_at=NOW + 20))
    stream = Stream(download, authority, nursery, cancels=cancels)
    await stream.done.wait()
    assert stream.ended_after == pytest.approx(20)
    assert not stream.reply.ended


@SERVERS
@pytest.mark.requirement("G-14")
async def test_a_client_that_does_not_read_cannot_keep_its_stream_open(
    cancels: bool, autojump_clock: MockClock
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await trio.sleep_forever()

    reply = Reply()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            await reply.send(message)
        else:
            await trio.sleep_forever()

    guard = BearerGuard(
        app,
        protection=protection(),
        validate_token=Authority(info=token_info(expires_at=NOW + 9)).validate_token,
        clock=TrioClock(NOW),
    )
    with trio.fail_after(30):
        await ask(guard, send, cancels=cancels)


@pytest.mark.requirement("G10")
@pytest.mark.parametrize(("method", "ends"), [("GET", True), ("POST", False)])
async def test_at_a_shutdown_streams_end_that_would_not_end_by_themselves(
    method: str, ends: bool, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    guard = BearerGuard(
        tick,
        protection=protection(),
        validate_token=Authority().validate_token,
        clock=TrioClock(NOW),
    )
    reply = Reply()
    scope = http_scope(method=method, headers=HEADERS)
    nursery.start_soon(guard, scope, receive, reply.send)
    await trio.sleep(10)
    assert not reply.ended
    guard.end_event_streams()
    await trio.sleep(1)
    assert reply.ended is ends
    nursery.cancel_scope.cancel()


async def test_a_whole_answer_is_not_watched_and_costs_no_check(
    autojump_clock: MockClock,
) -> None:
    async def slow_end(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"x"})
        await trio.sleep(600)

    authority = Authority(info=token_info(expires_at=NOW + 9))
    guard = BearerGuard(
        slow_end,
        protection=protection(),
        validate_token=authority.validate_token,
        clock=TrioClock(NOW),
    )
    reply = Reply()
    await guard(http_scope(headers=HEADERS), receive, reply.send)
    assert (reply.status, reply.body, reply.ended) == (200, b"x", True)


async def test_cancelling_a_request_cancels_the_application_and_the_watch(
    autojump_clock: MockClock,
) -> None:
    reply = Reply()
    guard = BearerGuard(
        tick,
        protection=protection(),
        validate_token=Authority().validate_token,
        clock=TrioClock(NOW),
    )
    with trio.move_on_after(10) as limit:
        await guard(http_scope(headers=HEADERS), receive, reply.send)
    assert limit.cancelled_caught
    assert not reply.ended
