"""Servers that do nothing, to put everything else in relation to.

    python -m actor_oauth.bench.echo canned | asgi | quart

All print `listening on URL` on standard error, and serve until they are terminated.
`canned` answers without looking: the ceiling of the load driver. `asgi` is an echo on
Hypercorn's Trio worker: the ceiling of any endpoint. `quart` is the same in Quart-Trio.
"""

import logging
import select
import socket
import sys
from contextlib import suppress
from functools import partial
from typing import Final, cast

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from hypercorn.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGISendCallable,
    Scope,
)
from quart import request
from quart_trio import QuartTrio

_CANNED: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


async def asgi_echo(
    scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    """Answer with the body that was sent."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = await read_body(receive)
    await answer(send, body)


async def read_body(receive: ASGIReceiveCallable) -> bytes:
    """Read a whole body; what there is of it, if the client went away."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return body
        body += message["body"]
        if not message["more_body"]:
            return body


async def answer(send: ASGISendCallable, body: bytes) -> None:
    """Answer 200 with a body of JSON."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": headers,
            "trailers": False,
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})


def quart_echo() -> QuartTrio:
    """The same as a Quart-Trio application."""
    app = QuartTrio("echo")

    @app.route("/", methods=["GET", "POST"])
    async def echo() -> tuple[str | bytes, dict[str, str]]:
        return await request.get_data(as_text=False), {
            "Content-Type": "application/json"
        }

    return app


def serve_canned() -> None:
    """Answer every packet with the same bytes, until terminated."""
    listener = socket.create_server(("127.0.0.1", 0))
    announce(f"http://127.0.0.1:{listener.getsockname()[1]}")
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    connections: dict[int, socket.socket] = {}
    while True:
        for fd, _ in poll.poll():
            if fd == listener.fileno():
                connection, _ = listener.accept()
                connections[connection.fileno()] = connection
                poll.register(connection, select.EPOLLIN)
            elif not _answer_packet(connections[fd]):
                poll.unregister(fd)
                connections.pop(fd).close()


def _answer_packet(connection: socket.socket) -> bool:
    # The driver disconnects in the middle of a response when its time is over.
    with suppress(OSError):
        return bool(connection.recv(65536)) and bool(connection.send(_CANNED))
    return False


async def serve_app(app: ASGIFramework) -> None:
    """Serve on Hypercorn's Trio worker, set up as the provider sets it up."""
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.include_server_header = False
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    # The default closes a connection after a thousand requests.
    config.keep_alive_max_requests = 10**9
    async with trio.open_nursery() as nursery:
        bound = await nursery.start(partial(serve, app, config, mode="asgi"))
        announce(cast("list[str]", bound)[0])


def announce(url: str) -> None:
    """Tell the process that started this one where it listens."""
    sys.stderr.write(f"listening on {url}\n")
    sys.stderr.flush()


def main(kind: str) -> None:
    """Serve until terminated.

    Args:
        kind: See the module.
    """
    match kind:
        case "canned":
            serve_canned()
        case "asgi":
            trio.run(serve_app, asgi_echo)
        case _:
            trio.run(serve_app, quart_echo())


if __name__ == "__main__":
    main(sys.argv[1])
