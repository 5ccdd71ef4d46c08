"""The composition root: opens runtime, actors and HTTP in one nursery, and serves them.

The only place that builds things; everything else receives what it needs.
"""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import structlog
import trio
from hypercorn.config import Config
from hypercorn.trio import serve as serve_asgi
from hypercorn.typing import ASGIFramework

from actor_oauth.actors.authorization_server import ACTOR_KINDS, AuthorizationServer
from actor_oauth.actors.callbacks import Callbacks, open_callbacks
from actor_oauth.config import (
    ConfigError,
    Settings,
    ensure_signing_keys,
    open_keyring,
    prepare_data_directory,
    read_keyring,
)
from actor_oauth.http import build_app
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.resources import canonical_resource
from actor_oauth.resource import BearerGuard, ResourceServer
from actor_oauth.resource.asgi import ASGIApp, Receive, Scope, Send
from actor_oauth.runtime import (
    Clock,
    Entropy,
    LocalEngine,
    SystemClock,
    SystemEntropy,
    open_system,
)
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.published_clients import open_published_clients

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

if TYPE_CHECKING:
    # Loading the SDK takes longer than all the rest: only who serves MCP pays for it.
    from mcp.server.mcpserver import MCPServer

    from actor_oauth.mcp import MCPEndpoint

KEEP_ALIVE_SECONDS = 75.0
KEYRING_SECONDS = 60.0
HEAD_BYTES = 32 * 1024
ListenResult = TypeVar("ListenResult")


@dataclass(frozen=True, slots=True)
class _Mount:
    """An application at a path, and the scopes that its guard requires."""

    path: str
    app: ASGIApp
    scopes: Sequence[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningProvider:
    """An open provider.

    Attributes:
        server: The authorization server; its methods are the helper API.
        app: The whole provider as one ASGI application.
        guards: Those of the protected applications.
    """

    server: AuthorizationServer
    app: ASGIApp
    guards: Sequence[BearerGuard]


class Provider:
    """An authorization server, and the applications that it protects, in one process.

    Args:
        settings: With an issuer, or with the port that it follows from.
        clock: Wall time.
        entropy: Randomness.
        pages: Makes an application of one's own for `/authorize` and whatever else a
            person sees, out of the helper API; it gets the lifespan events. The
            provider's own pages if not given.
        fetcher: The way to what clients publish on the web.
        callbacks: What the application wants to be asked or told.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        pages: Callable[[AuthorizationServer], ASGIApp] | None = None,
        fetcher: Fetcher | None = None,
        callbacks: Callbacks | None = None,
    ) -> None:
        self.settings = settings
        self.policy: Policy = settings.policy(settings.issuer_at(settings.port))
        self._clock = clock or SystemClock()
        self._entropy = entropy or SystemEntropy()
        self._pages = pages
        self._fetcher = fetcher
        self._callbacks = callbacks or Callbacks()
        self._mounts: list[_Mount] = []
        self._endpoints: list[MCPEndpoint] = []

    def protect(
        self, app: ASGIApp, *, path: str, scopes: Sequence[str] | None = None
    ) -> None:
        """Serve an ASGI application at a path, to callers with a good token only.

        It finds what the token is good for by `actor_oauth.resource.verified_token`, and
        asks for more than the guard does by `actor_oauth.resource.require_scopes`.

        Args:
            app: Any ASGI application. It gets no lifespan events.
            path: Where, such as `/mcp`; the issuer's origin with this path is, or is
                below, one of the configured resources.
            scopes: What its callers' tokens must have; the resource's default scopes
                if not given.

        Raises:
            ValueError: No configured resource covers the path.
        """
        self._resource_at(path)
        self._mounts.append(_Mount(path.rstrip("/"), app, scopes))

    def protect_mcp(
        self,
        server: "MCPServer[ListenResult]",
        *,
        path: str = "/mcp",
        scopes: Sequence[str] | None = None,
    ) -> None:
        """Serve an MCP server of the official SDK over streamable HTTP, protected.

        Tools read their caller from `actor_oauth.mcp.current_token()`.

        Args:
            server: Set up with its tools, and without the SDK's own authentication.
            path: As for `protect`.
            scopes: As for `protect`.

        Raises:
            ValueError: No configured resource covers the path, or the server
                authenticates by itself.
        """
        from actor_oauth.mcp import MCPEndpoint  # noqa: PLC0415 - see above

        endpoint = MCPEndpoint(
            server,
            path=path,
            issuer=self.policy.issuer,
            # A session lives in one process, and the next request may reach another.
            stateless=self.settings.workers > 1,
        )
        self.protect(endpoint, path=path, scopes=scopes)
        self._endpoints.append(endpoint)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[RunningProvider]:
        """Open the data directory and run the actors for as long as the block lasts.

        Other processes may have the same data directory open.

        Raises:
            ConfigError: The data directory or its keyring cannot be used.
        """
        settings = self.settings
        directory: Path = await trio.to_thread.run_sync(
            partial(prepare_data_directory, settings.data, entropy=self._entropy)
        )
        keyring = await trio.to_thread.run_sync(self._open_keyring, directory)
        async with AsyncExitStack() as stack:
            system = await stack.enter_async_context(
                open_system(
                    LocalEngine(directory),
                    ACTOR_KINDS,
                    limits=settings.runtime_limits(),
                    clock=self._clock,
                )
            )
            for endpoint in self._endpoints:
                await stack.enter_async_context(endpoint.run())
            published = await stack.enter_async_context(
                open_published_clients(
                    system=system,
                    policy=self.policy,
                    clock=self._clock,
                    fetcher=self._fetcher
                    or Fetcher(loopback=self.policy.loopback_documents),
                )
            )
            callbacks = await stack.enter_async_context(
                open_callbacks(self._callbacks, entropy=self._entropy)
            )
            server = AuthorizationServer(
                callbacks=callbacks,
                system=system,
                policy=self.policy,
                keyring=keyring,
                clock=self._clock,
                entropy=self._entropy,
                publications=published,
            )
            guarded = self._guarded(server)
            pages = build_app(
                server,
                options=settings.http_options(),
                pages=None if self._pages is None else self._pages(server),
            )
            yield RunningProvider(
                server=server,
                app=_dispatcher(guarded, pages),
                guards=[guard for _, guard in guarded],
            )

    def _open_keyring(self, directory: Path) -> Keyring:
        keyring = open_keyring(directory, entropy=self._entropy)
        needed = self.policy.signing_algorithms
        if needed.issubset(key.algorithm for key in keyring.signing_keys):
            return keyring
        return ensure_signing_keys(directory, needed, entropy=self._entropy)

    def _guarded(self, server: AuthorizationServer) -> list[tuple[str, BearerGuard]]:
        guarded = [
            (
                mount.path,
                ResourceServer(
                    self.policy,
                    self._resource_at(mount.path),
                    server.validate_token,
                    clock=self._clock,
                    accept_proof=server.accept_proof,
                    proof_nonces=server.proof_nonces,
                ).guard(mount.app, required_scopes=mount.scopes),
            )
            for mount in self._mounts
        ]
        # The longest path first, so that a mount below another one is found.
        return sorted(guarded, key=lambda mount: len(mount[0]), reverse=True)

    def _resource_at(self, path: str) -> ResourcePolicy:
        """The resource that a path of the issuer's origin belongs to."""
        origin = urlsplit(self.policy.issuer)
        url = canonical_resource(f"{origin.scheme}://{origin.netloc}{path}") or ""
        covering = [
            resource
            for resource in self.policy.resources
            if url == resource.identifier or url.startswith(resource.identifier + "/")
        ]
        if not covering:
            known = ", ".join(resource.identifier for resource in self.policy.resources)
            raise ValueError(f"no resource covers {url}; configured: {known}")
        return max(covering, key=lambda resource: len(resource.identifier))

    async def serve(
        self,
        *,
        fd: int | None = None,
        announce: Callable[[str], None] | None = None,
        stopping: trio.Event | None = None,
    ) -> None:
        """Serve until told to stop, then finish what is in flight.

        Args:
            fd: A bound TCP socket to accept connections from, which this closes; without
                it, `host` and `port` of the settings are bound.
            announce: Called with the issuer once connections are accepted.
            stopping: Set to stop in an orderly way; without it, cancel.

        Raises:
            ConfigError: As for `open`.
            OSError: The address cannot be bound.
        """
        settings = self.settings
        config = Config()
        config.bind = [f"fd://{fd}" if fd is not None else _authority(settings)]
        config.graceful_timeout = float(settings.shutdown_seconds)
        config.keep_alive_timeout = KEEP_ALIVE_SECONDS
        config.h11_max_incomplete_size = HEAD_BYTES
        config.include_server_header = False
        config.errorlog = logging.getLogger("hypercorn.error")
        config.accesslog = None
        stop = trio.Event() if stopping is None else stopping
        async with self.open() as running, trio.open_nursery() as nursery:

            async def stopped() -> None:
                await stop.wait()
                # An open stream would hold the server for as long as it may.
                for guard in running.guards:
                    guard.end_event_streams()

            async def serve_and_end(
                *, task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED
            ) -> None:
                await serve_asgi(
                    _as_framework(running.app),
                    config,
                    mode="asgi",
                    shutdown_trigger=stopped,
                    task_status=task_status,
                )
                nursery.cancel_scope.cancel()

            await nursery.start(serve_and_end)
            nursery.start_soon(follow_keyring, running.server, settings.data)
            if announce is not None:
                announce(self.policy.issuer)


async def follow_keyring(
    server: AuthorizationServer, data: Path, *, every: float = KEYRING_SECONDS
) -> None:
    """Have a server use the keys that are in its keyring file, until it is cancelled.

    A file that cannot be used changes nothing, and is looked at again.

    Args:
        server: Of this keyring.
        data: The data directory.
        every: Seconds from look to look.
    """
    while True:
        await trio.sleep(every)
        try:
            keyring = await trio.to_thread.run_sync(read_keyring, data)
            server.use_keyring(keyring)
        except (ConfigError, ValueError) as problem:
            _log.warning("keyring not read", problem=str(problem))


async def serve(
    settings: Settings,
    *,
    fd: int,
    announce: Callable[[str], None],
    stopping: trio.Event,
) -> None:
    """Run `actor-oauth serve`: the provider, and the example MCP server if that is on.

    Args:
        settings: Filled in for the bound socket.
        fd: See `Provider.serve`.
        announce: See `Provider.serve`.
        stopping: See `Provider.serve`.
    """
    provider = Provider(settings)
    if settings.demo_enabled:
        from actor_oauth.mcp.demo import demo_server  # noqa: PLC0415 - loaded if used

        provider.protect_mcp(demo_server())
    await provider.serve(fd=fd, announce=announce, stopping=stopping)


def _dispatcher(guarded: Sequence[tuple[str, BearerGuard]], pages: ASGIApp) -> ASGIApp:
    """One application: guarded paths, and everything else to the authorization server."""

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        app = pages
        if scope["type"] != "lifespan":
            path = str(scope["path"])
            for prefix, guard in guarded:
                if path == prefix or path.startswith(prefix + "/"):
                    app = guard
                    break
        await app(scope, receive, send)

    return dispatch


def _authority(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.port}"


def _as_framework(app: ASGIApp) -> ASGIFramework:
    """Hypercorn's own type for the same thing."""
    return app
