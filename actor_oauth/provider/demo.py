"""The example MCP server of `actor-oauth serve`, which is loaded when it is first called.

With the SDK it takes as long to load as all the rest, and most servers on a developer's
machine are started for something else.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from actor_oauth.resource.asgi import Receive, Scope, Send

if TYPE_CHECKING:
    from actor_oauth.mcp.guarded import GuardedTransport


class DemoEndpoint:
    """Takes the place of the example server's endpoint until the first call.

    The guard in front of it is there from the start: nobody without a good token has
    anything loaded.

    Args:
        path: Where requests arrive, as in their URL.
        issuer: Identifier of the authorization server that the guard asks.
        stateless: See `MCPEndpoint`.
    """

    def __init__(self, *, path: str, issuer: str, stateless: bool) -> None:
        self._path = path
        self._issuer = issuer
        self._stateless = stateless
        self._called = trio.Event()
        self._loaded = trio.Event()
        self._endpoint: GuardedTransport | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request that the guard has let through, while `run` is open."""
        self._called.set()
        await self._loaded.wait()
        assert self._endpoint is not None
        await self._endpoint(scope, receive, send)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Keep the sessions for as long as the block runs; leaving it ends them all."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._run_once_called)
            yield
            nursery.cancel_scope.cancel()

    def end_listening(self) -> None:
        """End the event streams that clients opened, if any came."""
        if self._endpoint is not None:
            self._endpoint.end_listening()

    async def _run_once_called(self) -> None:
        await self._called.wait()
        # In a thread, so that everybody else is served meanwhile.
        endpoint = await trio.to_thread.run_sync(self._make)
        async with endpoint.run():
            self._endpoint = endpoint
            self._loaded.set()
            await trio.sleep_forever()

    def _make(self) -> "GuardedTransport":
        from actor_oauth.mcp import MCPEndpoint  # noqa: PLC0415 - loaded when called
        from actor_oauth.mcp.demo import demo_server  # noqa: PLC0415 - likewise

        return MCPEndpoint(
            demo_server(),
            path=self._path,
            issuer=self._issuer,
            stateless=self._stateless,
        )
