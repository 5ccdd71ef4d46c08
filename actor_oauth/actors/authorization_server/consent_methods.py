"""Consent: what a signed-in user is asked, and the answer.

An application with pages of its own uses these as the server's own pages do, whether
people sign in here or with a session system of the application's. See docs/consent.md.

All methods share two arguments. `user_id` is the signed-in user, as stated by the
application. `browser` is a secret that only this browser has: the value of a cookie
with a `new_browser_secret`, or of the session cookie that `log_in` gave, in which case
an answer counts only while that session lives.
"""

from collections.abc import Sequence

from actor_oauth.actors.authorization_server.parts import ServerParts
from actor_oauth.actors.browser_secrets import new_browser_secret
from actor_oauth.oauth.authorization_answer import AuthorizationError, Redirect
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.consent_view import ConsentView
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.pictures import Picture
from actor_oauth.oauth.remembered_consent import RememberedConsent
from actor_oauth.oauth.scopes import Scope


class ConsentMethods(ServerParts):
    """Part of `AuthorizationServer`."""

    def new_browser_secret(self) -> str:
        """Generate a secret for one browser: for a cookie, `HttpOnly` and `Secure`."""
        return new_browser_secret(self._effects.entropy)

    async def begin_consent(
        self,
        request: AuthorizationRequest,
        *,
        user_id: str,
        browser: str,
        auth_time: int | None = None,
    ) -> str | AuthorizationError:
        """Store a request for a signed-in user to answer.

        Args:
            request: From `parse_auth_request`.
            user_id: Who is asked.
            browser: Where.
            auth_time: When the user last proved who it is, in Unix seconds; None if the
                application does not know.

        Returns:
            A handle, fit for a URL or a hidden field, for one answer within
            `consent_seconds` (ten minutes). Many may be open at once; beyond 32 the
            oldest are dropped.

        Raises:
            ValueError: If the user's name is not acceptable, or `browser` has less than
                20 characters.
        """
        return await self._consents.begin(
            request, user_id=user_id, browser=browser, auth_time=auth_time
        )

    async def describe_consent(
        self, handle: str, *, user_id: str, browser: str | None
    ) -> ConsentView | None:
        """Give what to ask; None if there is nothing to answer under this handle."""
        return await self._consents.describe(handle, user_id=user_id, browser=browser)

    async def consent_logo(
        self, handle: str, *, user_id: str, browser: str | None
    ) -> Picture | None:
        """Give the logo of the requesting client, to be served from your own origin.

        It may have to be fetched first, which takes up to five seconds: let a page be
        shown without it, and the browser load it by itself. Serve it with its media type,
        `X-Content-Type-Options: nosniff` and a sandboxing `Content-Security-Policy`.

        Returns:
            None if there is nothing that may be shown.
        """
        return await self._consents.logo(handle, user_id=user_id, browser=browser)

    async def approve_consent(
        self,
        handle: str,
        *,
        user_id: str,
        browser: str | None,
        scope: Scope | None = None,
        remember: bool = False,
        metadata: Json = None,
        props: Json = None,
        details: Sequence[Json] | None = None,
    ) -> Redirect | AuthorizationError:
        """Approve. Of several answers the first counts, however close they come.

        Args:
            handle: From `begin_consent`.
            user_id: Who says so.
            browser: Where.
            scope: What is allowed, at most what `describe_consent` shows; None for all.
            remember: Whether the user asked not to be asked for this again. Without
                effect where `describe_consent` says that it may not be remembered.
            metadata: As for `complete_authorization`.
            props: As for `complete_authorization`.
            details: As for `complete_authorization`.

        Raises:
            ValueError: If the metadata or the props are not acceptable.
        """
        return await self._consents.approve(
            handle,
            user_id=user_id,
            browser=browser,
            scope=scope,
            remember=remember,
            metadata=metadata,
            props=props,
            details=details,
        )

    async def deny_consent(
        self, handle: str, *, user_id: str, browser: str | None
    ) -> Redirect | AuthorizationError:
        """Refuse, and inform the client. Of several answers the first counts."""
        return await self._consents.deny(handle, user_id=user_id, browser=browser)

    # Remembered

    async def is_remembered(self, request: AuthorizationRequest, user_id: str) -> bool:
        """Tell whether a remembered consent covers this request.

        `required_interaction` says so too, given what the client requires.
        """
        return await self._remembered.holds_for(request, user_id)

    async def approve_remembered(
        self,
        request: AuthorizationRequest,
        *,
        user_id: str,
        browser: str,
        auth_time: int | None = None,
        metadata: Json = None,
        props: Json = None,
    ) -> Redirect | AuthorizationError:
        """Grant, without a page, what the user has allowed before.

        Args:
            request: One for which `required_interaction` asks for nothing.
            user_id: Who is signed in.
            browser: Where.
            auth_time: As for `begin_consent`.
            metadata: As for `complete_authorization`.
            props: As for `complete_authorization`.

        Returns:
            An error with `Reason.CONSENT_REQUIRED` if it is not remembered any more.

        Raises:
            ValueError: If the metadata or the props are not acceptable.
        """
        return await self._remembered.approve(
            request,
            user_id=user_id,
            browser=browser,
            auth_time=auth_time,
            metadata=metadata,
            props=props,
        )

    async def list_remembered_consents(
        self, user_id: str
    ) -> tuple[RememberedConsent, ...]:
        """Give a user's remembered consents, newest first."""
        return await self._remembered.listed(user_id)

    async def forget_consent(self, user_id: str, consent_id: str) -> bool:
        """Forget a remembered consent; False if there is none."""
        return await self._remembered.forget(user_id, consent_id)
