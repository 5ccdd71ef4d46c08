"""The provider as an application's author sees it."""

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import trio

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.config import Settings
from actor_oauth.config.settings.resources import usual_resource
from actor_oauth.http.own_identity import OwnIdentity
from actor_oauth.oauth.policy import Policy
from actor_oauth.provider.authority import Authority, open_authority
from actor_oauth.provider.demo import DemoEndpoint
from actor_oauth.provider.listening import bind
from actor_oauth.provider.mistakes import (
    check_is_served,
    check_path,
    check_runs_on_trio,
    check_scopes,
    check_settings,
)
from actor_oauth.provider.mounts import Mount, PublicMount, resource_at
from actor_oauth.provider.parts import Parts, RunningProvider
from actor_oauth.provider.upstream_helpers import UpstreamHelpers
from actor_oauth.resource.asgi import ASGIApp
from actor_oauth.runtime import Actor, Clock, Entropy, SystemClock, SystemEntropy
from actor_oauth.upstream.federation import Federation
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.vault import Vault

if TYPE_CHECKING:
    from fastmcp import FastMCP
    from mcp.server.mcpserver import MCPServer

    from actor_oauth.provider.metrics import Metrics

ListenResult = TypeVar("ListenResult")
ActorT = TypeVar("ActorT", bound=Actor)


class Provider(UpstreamHelpers):
    """An authorization server, and the applications that it protects, in one process.

    Args:
        settings: With an issuer, or with the port that it follows from.
        clock: Wall time.
        entropy: Randomness.
        pages: Creates an application of your own for `/authorize` and every other path
            that users see, given the helper API; it gets the lifespan events. The
            provider's own pages by default.
        fetcher: Fetches what clients publish on the web.
        callbacks: The application's callbacks.
        own_identity: The application's own sessions, in place of this server's sign-in.
        actors: The application's own kinds of durable actors, to be used by `actor_of`.
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
        own_identity: OwnIdentity | None = None,
        actors: Sequence[type[Actor]] = (),
    ) -> None:
        check_settings(settings)
        self.settings = settings
        policy = settings.policy(settings.issuer_at(settings.port))
        if callbacks is not None and callbacks.on_refresh_reuse is not None:
            policy = policy.asking_about_reuse()
        self.policy: Policy = policy
        self._parts = Parts(
            settings=settings,
            policy=self.policy,
            clock=clock or SystemClock(),
            entropy=entropy or SystemEntropy(),
            pages=pages,
            fetcher=fetcher,
            callbacks=callbacks or Callbacks(),
            own_identity=own_identity,
            actors=actors,
        )
        self._opened: Authority | None = None

    def protect(
        self, app: ASGIApp, *, path: str, scopes: Sequence[str] | None = None
    ) -> None:
        """Serve an ASGI application at a path, only to callers with a valid token.

        The application gets what the token allows from
        `actor_oauth.resource.verified_token`, and requires more than the guard does
        with `actor_oauth.resource.require_scopes`.

        Args:
            app: Any ASGI application. It gets no lifespan events.
            path: Where, such as `/mcp`; the issuer's origin with this path is, or is
                below, one of the configured resources.
            scopes: What its callers' tokens must have; those that the resource requires
                if not given.

        Raises:
            TypeError: The scopes are one text, and no list.
            ValueError: No configured resource covers the path, or has these scopes; or
                the path cannot be had.
        """
        bare = check_path(path, self._taken, self.policy)
        check_scopes(scopes, resource_at(self.policy, bare))
        self._parts.mounts.append(Mount(bare, app, scopes))

    def mount(self, app: ASGIApp, *, path: str) -> None:
        """Serve an ASGI application at a path, to anybody: a sign-in page, a front end.

        It shares the provider's origin, and is trusted as the provider is.

        Args:
            app: Any ASGI application. It sees whole paths, and gets no lifespan events.
            path: Where, such as `/app`, with everything below.

        Raises:
            ValueError: The path cannot be had.
        """
        bare = check_path(path, self._taken, self.policy)
        self._parts.public.append(PublicMount(bare, app))

    def protect_mcp(
        self,
        server: "MCPServer[ListenResult] | FastMCP[ListenResult]",
        *,
        path: str = "/mcp",
        scopes: Sequence[str] | None = None,
    ) -> None:
        """Serve an MCP server over streamable HTTP, protected.

        Tools read their caller from `actor_oauth.mcp.current_token()`.

        Args:
            server: Of the official SDK or of FastMCP; set up with its tools, and without
                authentication of its own.
            path: As for `protect`.
            scopes: As for `protect`.

        Raises:
            TypeError: It is no such server, or as for `protect`.
            ValueError: The server authenticates by itself, or as for `protect`.
        """
        # Loading the SDK takes longer than all the rest: only who serves MCP pays.
        from actor_oauth.provider.mcp_servers import endpoint_of  # noqa: PLC0415

        endpoint = endpoint_of(
            server,
            path=path,
            issuer=self.policy.issuer,
            stateless=self._without_sessions,
        )
        self.protect(endpoint, path=path, scopes=scopes)
        self._parts.endpoints.append(endpoint)

    def protect_demo(self) -> None:
        """Serve the example MCP server at the issuer's `/mcp`, protected.

        Raises:
            ValueError: No configured resource covers the path.
        """
        path = urlsplit(usual_resource(self.policy.issuer)).path
        endpoint = DemoEndpoint(
            path=path, issuer=self.policy.issuer, stateless=self._without_sessions
        )
        self.protect(endpoint, path=path)
        self._parts.endpoints.append(endpoint)

    @property
    def issuer(self) -> str:
        """The issuer identifier: the public base URL of this provider."""
        return self.policy.issuer

    @property
    def _without_sessions(self) -> bool:
        # A session lives in one process, and the next request may reach another.
        return self.settings.workers > 1

    @property
    def vault(self) -> Vault:
        """Connections of users to other services, while the provider is open.

        Raises:
            RuntimeError: The provider is not open, or the vault is off.
        """
        vault = self._authority.vault
        if vault is None:
            raise RuntimeError("the vault is off: set vault_enabled")
        return vault

    @property
    def federation(self) -> Federation:
        """The services that users can sign in with, while the provider is open.

        Raises:
            RuntimeError: The provider is not open, or no such service is configured.
        """
        federation = self._authority.federation
        if federation is None:
            raise RuntimeError(
                "nobody signs in with another service: set login_providers"
            )
        return federation

    @asynccontextmanager
    async def open(self) -> AsyncIterator[RunningProvider]:
        """Open the data directory and run the actors for as long as the block lasts.

        Other processes may have the same data directory open.

        Raises:
            ConfigError: The data directory or its keyring cannot be used.
            RuntimeError: This does not run on Trio.
        """
        check_is_served(self.settings)
        # Quart takes as long to load as all the rest: who answers no requests waits less.
        from actor_oauth.provider.opening import open_provider  # noqa: PLC0415

        async with (
            self._open_authority() as authority,
            open_provider(self._parts, authority) as running,
        ):
            yield running

    @asynccontextmanager
    async def open_server(self) -> AsyncIterator[AuthorizationServer]:
        """Open the provider like `open`, for a program that serves no requests.

        Raises:
            ConfigError: As for `open`.
        """
        async with self._open_authority() as authority:
            yield authority.server

    @asynccontextmanager
    async def _open_authority(self) -> AsyncIterator[Authority]:
        check_runs_on_trio()
        async with open_authority(self._parts) as authority:
            self._opened = authority
            try:
                yield authority
            finally:
                self._opened = None

    @property
    def server(self) -> AuthorizationServer:
        """The authorization server; its methods are the helper API.

        Raises:
            RuntimeError: The provider is not open.
        """
        return self._authority.server

    @property
    def _authority(self) -> Authority:
        if self._opened is None:
            raise RuntimeError("the provider is not open: open() or serve() opens it")
        return self._opened

    @property
    def _taken(self) -> list[str]:
        parts = self._parts
        return [
            *(mount.path for mount in parts.mounts),
            *(mount.path for mount in parts.public),
        ]

    def actor_of(self, actor_class: type[ActorT], user_id: str) -> ActorT:
        """The application's own actor of a user; see `AuthorizationServer.actor_of`.

        Raises:
            RuntimeError: The provider is not open.
            ActorUsageError: The class was not among `actors`.
        """
        return self.server.actor_of(actor_class, user_id)

    async def serve(
        self,
        *,
        fd: int | None = None,
        announce: Callable[[str], None] | None = None,
        stopping: trio.Event | None = None,
        metrics: "Metrics | None" = None,
    ) -> None:
        """Serve until told to stop, then finish what is in flight.

        This is one process, whatever `workers` says: that is for `actor-oauth serve`,
        and for programs that start processes themselves and give each the same `fd`.

        Args:
            fd: A bound TCP socket to accept connections from, which this closes; without
                it, `host` and `port` of the settings are bound.
            announce: Called with the issuer once connections are accepted.
            stopping: Set to stop in an orderly way; without it, cancel.
            metrics: Counts what is answered; without it nothing is counted.

        Raises:
            ConfigError: As for `open`, or the address cannot be had.
            RuntimeError: As for `open`.
        """
        check_runs_on_trio()
        check_is_served(self.settings)
        # With Hypercorn, which is for who serves.
        from actor_oauth.provider.serving import serve_running  # noqa: PLC0415

        def listening() -> None:
            if announce is not None:
                announce(self.policy.issuer)

        # An address that is taken is told before the data directory is touched.
        listener = bind(self.settings)[0] if fd is None else fd
        with ExitStack() as unserved:
            unserved.callback(os.close, listener)
            async with self.open() as running:
                unserved.pop_all()
                await serve_running(
                    running,
                    self.settings,
                    fd=listener,
                    listening=listening,
                    stop=trio.Event() if stopping is None else stopping,
                    metrics=metrics,
                )
