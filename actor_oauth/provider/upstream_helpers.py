"""The helpers of a provider for signing in with other services on pages of one's own."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.oauth.authorization_answer import AuthorizationError, Redirect
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.federation.faults import SignInRefused
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext, TokenRefusal
from actor_oauth.upstream.federation import Federation, Outward
from actor_oauth.upstream.federation.own_pages import (
    OwnPages,
    UpstreamQuestion,
    UpstreamSignIn,
)


class UpstreamHelpers(ABC):
    """Part of `Provider`."""

    @property
    @abstractmethod
    def server(self) -> AuthorizationServer:
        """The authorization server; its methods are the helper API."""

    @property
    @abstractmethod
    def federation(self) -> Federation:
        """The services that users can sign in with, while the provider is open."""

    @property
    def _own_pages(self) -> OwnPages:
        return OwnPages(self.server, self.federation)

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
