"""The ends of cut streams, as a client sees them through a real HTTP server."""

import httpx2
import pytest
import trio

from actor_oauth.resource import BearerGuard
from actor_oauth.resource.asgi import ASGIApp, HeaderLine, Receive, Scope, Send
from tests.mcp.protected_server import serving
from tests.resource.asgi_calls import NOW, Authority, protection, token_info

HEADERS = {"Authorization": "Bearer good"}


class LeapingClock:
    """Tells the start once, and from then on a time when every token has expired."""

    def __init__(self) -> None:
        self._asked = 0

    def now(self) -> int:
        """The time, which leaps after the first look."""
        self._asked += 1
        return NOW if self._asked == 1 else NOW + 10**6


def stream_of(*headers: HeaderLine) -> ASGIApp:
    """An application that sends one event and then keeps its answer open."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": b"data", "more_body": True})
        await trio.sleep_forever()

    return app


def guarded(app: ASGIApp) -> BearerGuard:
    return BearerGuard(
        app,
        protection=protection(),
        validate_token=Authority(token_info()).validate_token,
        clock=LeapingClock(),
    )


@pytest.mark.requirement("G-14")
async def test_a_cut_event_stream_ends_like_any_other() -> None:
    app = stream_of((b"content-type", b"text/event-stream"))
    with trio.fail_after(60):
        async with (
            serving(guarded(app)) as base,
            httpx2.AsyncClient(timeout=60) as http,
        ):
            answer = await http.get(f"{base}/mcp", headers=HEADERS)
    assert (answer.status_code, answer.content) == (200, b"data")


@pytest.mark.requirement("G-14")
async def test_a_cut_answer_of_announced_length_is_visibly_incomplete() -> None:
    app = stream_of((b"content-length", b"1000"))
    with trio.fail_after(60):
        async with (
            serving(guarded(app)) as base,
            httpx2.AsyncClient(timeout=60) as http,
        ):
            with pytest.raises(httpx2.RemoteProtocolError):
                await http.get(f"{base}/mcp", headers=HEADERS)
