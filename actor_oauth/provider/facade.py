"""The provider as an application's author sees it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import trio

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.config import Settings
from actor_oauth.config.settings.resources import usual_resource
from actor_oauth.http.own_identity import OwnIdentity
from actor_oauth.oauth.authorization_answer import AuthorizationError, Redirect
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.federation.faults import SignInRefused
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext, TokenRefusal
from actor_oauth.provider.authority import Authority, open_authority
from actor_oauth.provider.demo import DemoEndpoint
from actor_oauth.provider.mounts import Mount, resource_at
from actor_oauth.provider.parts import Parts, RunningProvider
from actor_oauth.resource.asgi import ASGIApp
from actor_oauth.runtime import Actor, Clock, Entropy, SystemClock, SystemEntropy
from actor_oauth.upstream.federation import Federation, Outward
from actor_oauth.upstream.federation.own_pages import (
    OwnPages,
    UpstreamQuestion,
    UpstreamSignIn,
)
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.vault import Vault

if TYPE_CHECKING:
    from fastmcp import FastMCP
    from mcp.server.mcpserver import MCPServer

    from actor_oauth.provider.metrics import Metrics

ListenResult = TypeVar("ListenResult")
ActorT = TypeVar("ActorT", bound=Actor)


class Provider:
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
            ValueError: No configured resource covers the path.
        """
        resource_at(self.policy, path)
        self._parts.mounts.append(Mount(path.rstrip("/"), app, scopes))

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
            ValueError: No configured resource covers the path, or the server
                authenticates by itself.
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
        if self._opened is None or self._opened.vault is None:
            raise RuntimeError("the vault is off, or the provider is not open")
        return self._opened.vault

    @property
    def federation(self) -> Federation:
        """The services that users can sign in with, while the provider is open.

        Raises:
            RuntimeError: The provider is not open, or no such service is configured.
        """
        if self._opened is None or self._opened.federation is None:
            raise RuntimeError("there are no login_providers, or it is not open")
        return self._opened.federation

    async def ask_upstream(
        self, request: AuthorizationRequest, *, browser: str
    ) -> UpstreamQuestion | AuthorizationError:
        """Begin to ask, on a page of your own, before anybody has signed in.

        Args:
            request: From `parse_auth_request`.
            browser: What this browser holds and no other, such as a cookie with a
                `new_browser_secret`.

        Raises:
            ValueError: If `browser` has less than 20 characters.
        """
        return await self._own_pages.ask(request, browser=browser)

    async def begin_upstream(
        self, name: str, *, browser: str, ticket: str | None = None, data: str = ""
    ) -> Outward | SignInRefused:
        """Send a browser to a service, to sign in there.

        Args:
            name: Of the service in `login_providers`.
            browser: As for `ask_upstream`.
            ticket: Of the question to which the user has just said yes. Without one the
                user only signs in, and has to be asked afterwards.
            data: Returned by `finish_upstream`; at most some kilobytes. It stays here.

        Returns:
            Where to send the browser.

        Raises:
            ValueError: If `browser` has less than 20 characters.
        """
        return await self._own_pages.begin(
            name, browser=browser, ticket=ticket, data=data
        )

    async def deny_upstream(
        self, ticket: str, *, browser: str | None
    ) -> AuthorizationError:
        """Report that the user has refused, and get the answer for the client.

        Args:
            ticket: Of the question.
            browser: As for `ask_upstream`; None if this one holds nothing.

        Returns:
            `access_denied`, with where to send the browser; nowhere if the question has
            expired, or was asked in another browser.
        """
        return await self._own_pages.deny(ticket, browser=browser)

    async def finish_upstream(
        self, name: str, answer: Parameters | str, *, browser: str | None
    ) -> UpstreamSignIn | SignInRefused:
        """Sign in a returning user, at `ISSUER/login/callback/NAME`. The first counts.

        Args:
            name: Of the service at whose address the answer arrived.
            answer: Its query, parsed or as it came.
            browser: As for `ask_upstream`; None if this one holds nothing.

        Returns:
            Refused with an `error` that tells the client, if the person said no there.
        """
        return await self._own_pages.finish(name, answer, browser=browser)

    async def complete_upstream(
        self,
        signed_in: UpstreamSignIn,
        *,
        scope: Scope | None = None,
        metadata: Json = None,
        props: Json = None,
        details: Sequence[Json] | None = None,
    ) -> Redirect | AuthorizationError:
        """Grant what the user was asked before signing in.

        Args:
            signed_in: From `finish_upstream`.
            scope: What was allowed, at most what was asked; None for all of it.
            metadata: As for `AuthorizationServer.complete_authorization`.
            props: Likewise.
            details: Likewise.

        Raises:
            ValueError: Nothing was asked, or metadata or props are not acceptable.
        """
        return await self._own_pages.complete(
            signed_in, scope=scope, metadata=metadata, props=props, details=details
        )

    async def refresh_upstream(
        self, context: TokenContext, *, name: str = "upstream"
    ) -> TokenChanges | TokenRefusal | None:
        """Refresh a service's tokens together with the grant whose props hold them.

        To be called by `on_token_exchange`, and its answer to be given. However many
        clients refresh at once, the service is asked once.

        Args:
            context: The argument of `on_token_exchange`.
            name: Of the member of the props that holds `UpstreamSignIn.tokens.to_props()`.

        Returns:
            `ENDED` if the service says that its tokens have ended, `BUSY` if it says
            nothing of the kind; None if the props contain no such tokens.
        """
        return await self.federation.refresh_kept(context, name=name)

    @property
    def _own_pages(self) -> OwnPages:
        return OwnPages(self.server, self.federation)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[RunningProvider]:
        """Open the data directory and run the actors for as long as the block lasts.

        Other processes may have the same data directory open.

        Raises:
            ConfigError: The data directory or its keyring cannot be used.
        """
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
        if self._opened is None:
            raise RuntimeError("the provider is not open: open() or serve() opens it")
        return self._opened.server

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

        Args:
            fd: A bound TCP socket to accept connections from, which this closes; without
                it, `host` and `port` of the settings are bound.
            announce: Called with the issuer once connections are accepted.
            stopping: Set to stop in an orderly way; without it, cancel.
            metrics: Counts what is answered; without it nothing is counted.

        Raises:
            ConfigError: As for `open`.
            OSError: The address cannot be bound.
        """
        # With Hypercorn, which is for who serves.
        from actor_oauth.provider.serving import serve_running  # noqa: PLC0415

        def listening() -> None:
            if announce is not None:
                announce(self.policy.issuer)

        async with self.open() as running:
            await serve_running(
                running,
                self.settings,
                fd=fd,
                listening=listening,
                stop=trio.Event() if stopping is None else stopping,
                metrics=metrics,
            )
