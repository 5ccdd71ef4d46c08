"""Authorization requests: parsing them, and granting them."""

from collections.abc import Sequence

from actor_oauth.actors.authorization_server.parts import ServerParts
from actor_oauth.oauth.authorization_answer import AuthorizationError, Redirect
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.interaction import Interaction, SignIn
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.pushed_requests import PushedResponse
from actor_oauth.oauth.reasons import Reason
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.wire import WireError


class AuthorizationMethods(ServerParts):
    """Part of `AuthorizationServer`."""

    async def push_authorization_request(
        self,
        form: Parameters,
        authorization: str | None,
        *,
        proofs: Sequence[str] = (),
    ) -> PushedResponse | WireError:
        """Answer a client that pushes its authorization request (RFC 9126)."""
        return await self._pushed.push(form, authorization, proofs)

    async def parse_auth_request(
        self,
        parameters: Parameters | str,
        *,
        signed_in: bool = False,
        presented_at: int | None = None,
    ) -> AuthorizationRequest | AuthorizationError:
        """Parse an authorization request and decide whether a user may be asked.

        Args:
            parameters: Parsed, or the query string as it came.
            signed_in: Whether a user is signed in, in this browser. Without one it is
                not redirected to a client that registered itself (C-03).
            presented_at: When the browser first came with it, in Unix seconds; None for
                now. A pushed request lives for seconds, in which nobody signs in.
        """
        if isinstance(parameters, str):
            parsed = parse_form(parameters.encode())
            if not isinstance(parsed, Parameters):
                return AuthorizationError(reason=Reason.FORM_MALFORMED)
            parameters = parsed
        return await self._authorizations.parse(
            parameters, signed_in=signed_in, presented_at=presented_at
        )

    async def required_interaction(
        self,
        request: AuthorizationRequest,
        sign_in: SignIn | None,
        *,
        presented_at: int | None = None,
    ) -> Interaction | AuthorizationError:
        """Say which page a request needs next, given what the client requires.

        These are `prompt`, `max_age` and `login_hint` (OpenID Connect Core §3.1.2.1).

        Args:
            request: From `parse_auth_request`.
            sign_in: Who is signed in, in this browser; None if nobody is.
            presented_at: When the browser first came with this request, in Unix
                seconds, if it was sent to sign in meanwhile; None before.

        Returns:
            An error if a page is needed that the client does not want.
        """
        return await self._authorizations.required_interaction(
            request, sign_in, presented_at=presented_at
        )

    async def refuse_authorization(
        self, request: AuthorizationRequest, reason: Reason, *, signed_in: bool = False
    ) -> AuthorizationError:
        """Refuse a request for a reason of the application's, and inform the client.

        Args:
            request: From `parse_auth_request`.
            reason: Such as `Reason.USER_DENIED`, or `Reason.INTERACTION_REQUIRED` if
                the client wants no page and the application must show one.
            signed_in: Whether a user is signed in, in this browser.
        """
        return await self._answers.error(request, reason, signed_in=signed_in)

    async def complete_authorization(
        self,
        request: AuthorizationRequest,
        *,
        user_id: str,
        scope: Scope | None = None,
        metadata: Json = None,
        props: Json = None,
        auth_time: int | None = None,
        details: Sequence[Json] | None = None,
    ) -> Redirect | AuthorizationError:
        """Grant a request on behalf of a user whom the application has asked itself.

        Args:
            request: From `parse_auth_request`.
            user_id: Who said yes, in the application's own words; becomes `sub`.
            scope: What was granted, at most what was asked; None for all of it.
            metadata: For listing the user's grants. Not encrypted.
            props: For the protected application, which gets them with every request.
                Encrypted; readable only with a live token of the grant. At most 64 KiB.
            auth_time: When the user last proved who it is, in Unix seconds; None if the
                application does not know.
            details: What of `authorization_details` is allowed, in the spelling of the
                request; None for all of them.

        Raises:
            ValueError: If the user's name, the metadata or the props are not acceptable.
        """
        return await self._authorizations.complete(
            request,
            user_id=user_id,
            scope=scope,
            metadata=metadata,
            props=props,
            auth_time=auth_time,
            details=details,
        )
