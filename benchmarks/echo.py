"""Servers that do nothing, to measure everything else against.

    python -m benchmarks.echo canned | asgi | quart

All print `listening on URL` on standard error, and serve until they are terminated.
`canned` answers without reading: the ceiling of the load driver. `asgi` is an echo on
Hypercorn's Trio worker: the ceiling of any endpoint. `quart` is the same in Quart-Trio:
what the throughput of durable refreshes is put in relation to.
"""

import argparse
import sys
from contextlib import suppress
from functools import partial
from typing import cast

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from hypercorn.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPScope,
    Scope,
)
from quart import request
from quart_trio import QuartTrio

_CANNED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


async def asgi_echo(
    scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    """Answer with the body that was sent."""
    if scope["type"] == "lifespan":
        await _acknowledge_lifespan(receive, send)
        return
    assert scope["type"] == "http"
    body = await _body_of(scope, receive)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _body_of(_scope: HTTPScope, receive: ASGIReceiveCallable) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return body
        body += message["body"]
        if not message["more_body"]:
            return body


async def _acknowledge_lifespan(
    receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def quart_echo() -> QuartTrio:
    """The same as a Quart-Trio application."""
    app = QuartTrio("echo")

    @app.route("/", methods=["GET", "POST"])
    async def echo() -> tuple[str | bytes, dict[str, str]]:
        return await request.get_data(as_text=False), {
            "Content-Type": "application/json"
        }

    return app


async def serve_canned(port: int) -> None:
    """Answer every packet with the same bytes."""

    async def answer(stream: trio.SocketStream) -> None:
        # The driver hangs up in the middle of an answer when its time is over.
        with suppress(trio.BrokenResourceError):
            while await stream.receive_some(65536):
                await stream.send_all(_CANNED)

    listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    _announce(f"http://127.0.0.1:{port}")
    await trio.serve_listeners(answer, listeners)


async def serve_app(app: ASGIFramework, port: int) -> None:
    """Serve on Hypercorn's Trio worker, set up as the provider sets it up."""
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.include_server_header = False
    config.accesslog = None
    # The default closes a connection after a thousand requests.
    config.keep_alive_max_requests = 10**9
    async with trio.open_nursery() as nursery:
        bound = await nursery.start(partial(serve, app, config, mode="asgi"))
        _announce(cast("list[str]", bound)[0])


def _announce(url: str) -> None:
    print(f"listening on {url}", file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Serve until terminated."""
    parser = argparse.ArgumentParser(prog="benchmarks.echo", description=__doc__)
    parser.add_argument("kind", choices=["canned", "asgi", "quart"])
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args(arguments)
    match options.kind:
        case "canned":
            trio.run(serve_canned, options.port)
        case "asgi":
            trio.run(serve_app, asgi_echo, options.port)
        case _:
            trio.run(serve_app, quart_echo(), options.port)


if __name__ == "__main__":
    main()
