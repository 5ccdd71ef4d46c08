"""The provider, set up to be measured: one worker process.

    python -m actor_oauth.bench.server --fd 3 [--lag] < settings.json

It is the provider as `serve` runs it, with three additions. `/authorize` allows
everything at once, as the user that `login_hint` names. `/echo` is an application
without protection, and the same is at `/mcp` behind the guard. `/lag` reports how late
the event loop was since the last request, if that is measured, which costs a little.

Rule 1: it serves on loopback addresses only. It believes everybody.
"""

import json
import sys
from functools import partial
from time import perf_counter
from typing import Final
from urllib.parse import parse_qs

import trio
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.bench.echo import announce, answer, asgi_echo
from actor_oauth.config import Settings, configure_logging
from actor_oauth.config.hosts import is_loopback_url
from actor_oauth.oauth.authorization_answer import Redirect
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.provider import Provider
from actor_oauth.provider.parent import wait_for_parents_end
from actor_oauth.resource.asgi import ASGIApp

TICK_SECONDS: Final = 0.001


class Lag:
    """How late a task wakes up that sleeps for a millisecond, again and again."""

    def __init__(self) -> None:
        self._late: list[float] = []

    async def feel(self) -> None:
        """Measure, for ever."""
        while True:
            due = perf_counter() + TICK_SECONDS
            await trio.sleep(TICK_SECONDS)
            self._late.append(perf_counter() - due)

    def take(self) -> list[float]:
        """Give the seconds, and reset."""
        late, self._late = self._late, []
        return late


def build_pages(server: AuthorizationServer, lag: Lag) -> ASGIApp:
    """What is served beside the protocol's endpoints."""

    async def authorize(scope: Scope, send: ASGISendCallable) -> None:
        assert scope["type"] == "http"
        query = scope["query_string"].decode()
        request = await server.parse_auth_request(query)
        if not isinstance(request, AuthorizationRequest):
            await _answer_status(send, 400)
            return
        user = parse_qs(query).get("login_hint", ["bench"])[0]
        answer = await server.complete_authorization(
            request, user_id=user, props={"user": user}
        )
        if isinstance(answer, Redirect):
            await _answer_status(send, 303, location=answer.url)
        else:
            await _answer_status(send, 400)

    async def pages(
        scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path == "/authorize":
            await authorize(scope, send)
        elif path == "/lag":
            await answer(send, json.dumps(lag.take()).encode())
        else:
            await asgi_echo(scope, receive, send)

    return pages


async def _answer_status(
    send: ASGISendCallable, status: int, location: str | None = None
) -> None:
    headers = [(b"content-length", b"0")]
    if location is not None:
        headers.append((b"location", location.encode()))
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": headers,
            "trailers": False,
        }
    )
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def serve_with_parent(settings: Settings, fd: int, *, feels_lag: bool) -> None:
    """Serve until terminated, or until the process that started this one has ended."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(serve, settings, fd, feels_lag=feels_lag))
        await wait_for_parents_end()
        nursery.cancel_scope.cancel()


async def serve(settings: Settings, fd: int, *, feels_lag: bool) -> None:
    """Serve until terminated.

    Args:
        settings: Of a provider on a loopback address.
        fd: A listening socket.
        feels_lag: Whether to measure how late the event loop is.
    """
    lag = Lag()
    provider = Provider(settings, pages=partial(build_pages, lag=lag))
    provider.protect(asgi_echo, path="/mcp")
    async with trio.open_nursery() as nursery:
        if feels_lag:
            nursery.start_soon(lag.feel)
        await provider.serve(fd=fd, announce=announce)


def main() -> None:
    """Read the settings, and serve until standard input ends."""
    settings = Settings.model_validate_json(sys.stdin.buffer.readline())
    assert settings.issuer is not None
    assert is_loopback_url(settings.issuer)
    configure_logging(settings.log_level, settings.log_format, sys.stderr)
    fd = int(sys.argv[sys.argv.index("--fd") + 1])
    trio.run(partial(serve_with_parent, settings, fd, feels_lag="--lag" in sys.argv))


if __name__ == "__main__":
    main()
