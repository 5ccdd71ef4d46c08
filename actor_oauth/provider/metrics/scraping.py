"""`GET /metrics`, on a port of its own."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import trio
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from actor_oauth.provider.serving import serve_on
from actor_oauth.resource.asgi import ASGIApp, HeaderLine, Receive, Scope, Send

PATH: Final = "/metrics"
_STOP_SECONDS: Final = 1.0


def scrape_app(text: Callable[[], bytes]) -> ASGIApp:
    """Make an application that answers Prometheus, and nothing else.

    Args:
        text: Gives the metrics; called in a thread.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await _live(receive, send)
            return
        status, body, headers = 200, b"", list[HeaderLine]()
        if scope["path"] != PATH:
            status = 404
        elif scope["method"] not in ("GET", "HEAD"):
            status, headers = 405, [(b"allow", b"GET, HEAD")]
        else:
            body = await trio.to_thread.run_sync(text)
            headers = [(b"content-type", CONTENT_TYPE_PLAIN_0_0_4.encode())]
        headers.append((b"content-length", b"%d" % len(body)))
        await send(
            {"type": "http.response.start", "status": status, "headers": headers}
        )
        body = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": body})

    return answer


async def _live(receive: Receive, send: Send) -> None:
    """Nothing is to be set up; a server that speaks of it wants an answer."""
    while True:
        event = str((await receive())["type"])
        if not event.startswith("lifespan."):
            # A WebSocket: returning refuses it.
            return
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return


@asynccontextmanager
async def serving_scrapes(text: Callable[[], bytes], *, fd: int) -> AsyncIterator[None]:
    """Answer Prometheus for as long as the block lasts.

    Args:
        text: See `scrape_app`.
        fd: A listening socket, which this closes.
    """
    stop = trio.Event()
    async with trio.open_nursery() as nursery:

        async def serve() -> None:
            await serve_on(
                scrape_app(text), f"fd://{fd}", seconds=_STOP_SECONDS, stop=stop.wait
            )

        nursery.start_soon(serve)
        try:
            yield
        finally:
            stop.set()
