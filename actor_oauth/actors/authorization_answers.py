"""Answering the clients of authorization requests: with a code, or with an error."""

import json
from collections.abc import Sequence

from actor_oauth.actors.clients import Clients
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.refusals import Refusals
from actor_oauth.actors.token_format import TokenFormat
from actor_oauth.actors.user import Approved
from actor_oauth.oauth.authorization_answer import (
    AuthorizationError,
    Redirect,
    error_for_client,
)
from actor_oauth.oauth.authorization_request import (
    AuthorizationRequest,
    LocalRefusal,
    RedirectRefusal,
)
from actor_oauth.oauth.authorization_response import success_redirect, token_redirect
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope


class AuthorizationAnswers:
    """Makes the URLs that lead back to a client, and ensures that they are safe."""

    def __init__(
        self,
        effects: Effects,
        clients: Clients,
        token_format: TokenFormat,
        refusals: Refusals,
    ) -> None:
        self._effects = effects
        self._clients = clients
        self._format = token_format
        self._refusals = refusals

    async def approval(
        self,
        request: AuthorizationRequest,
        user_key: str,
        *,
        scope: Scope | None,
        metadata: Json,
        props: Json,
        auth_time: int | None = None,
        details: Sequence[Json] | None = None,
    ) -> Approval | Refused:
        """What a user agrees to, once the client knows of the grant to be (B-36).

        Args:
            request: What is asked.
            user_key: The key of the user's actor.
            scope: What of it; None for all.
            metadata: For listing the user's grants.
            props: For the protected application.
            auth_time: When the user last proved who it is.
            details: What of the details that are asked for; None for all.
        """
        granted = request.scope if scope is None else scope
        epoch = await self._clients.enlist(request.client_id, user_key, granted=granted)
        if isinstance(epoch, Refused):
            changed = epoch.reason is Reason.CLIENT_CHANGED
            return epoch if changed else Refused(Reason.AUTHORIZE_CLIENT_UNKNOWN)
        return Approval(
            scope=granted,
            props=props,
            metadata=metadata,
            client_epoch=epoch,
            auth_time=auth_time,
            details=None if details is None else json.dumps([*details]),
        )

    async def success(self, approved: Approved) -> Redirect | AuthorizationError:
        """Send the browser to the client with its code, or with a token in its place."""
        request, issuer = approved.request, self._effects.policy.issuer
        uri, state = request.redirect_uri, request.state
        if approved.response is None:
            return Redirect(
                success_redirect(uri, code=approved.code, state=state, issuer=issuer)
            )
        written = await self._format.write(approved.response)
        if isinstance(written, Refused):
            return await self.error(request, written.reason, signed_in=True)
        return Redirect(token_redirect(uri, written, state=state, issuer=issuer))

    async def refusal(
        self,
        refusal: LocalRefusal | RedirectRefusal,
        client_id: str | None,
        *,
        signed_in: bool,
    ) -> AuthorizationError:
        """Refuse what is no request that could be put to a user."""
        if isinstance(refusal, LocalRefusal):
            return self.error_here(refusal.reason, client_id)
        return await self._error(refusal, client_id, signed_in=signed_in)

    async def error(
        self, request: AuthorizationRequest, reason: Reason, *, signed_in: bool
    ) -> AuthorizationError:
        """Refuse a request, telling its client.

        Args:
            request: Whose redirect URI is the client's.
            reason: Why.
            signed_in: Whether a user is signed in, in the redirected browser (C-03).
        """
        if reason in _CLIENT_GONE:
            return self.error_here(reason, request.client_id)
        refusal = RedirectRefusal(
            reason=reason,
            redirect_uri=request.redirect_uri,
            state=request.state,
            in_fragment=request.wants_token,
        )
        return await self._error(refusal, request.client_id, signed_in=signed_in)

    def error_here(self, reason: Reason, client_id: str | None) -> AuthorizationError:
        """Refuse a request whose client cannot be informed."""
        self._refusals.note(Refused(reason), "authorize", client_id=client_id)
        return AuthorizationError(reason=reason)

    async def _error(
        self, refusal: RedirectRefusal, client_id: str | None, *, signed_in: bool
    ) -> AuthorizationError:
        self._refusals.note(Refused(refusal.reason), "authorize", client_id=client_id)
        return error_for_client(
            refusal.reason,
            redirect_uri=refusal.redirect_uri,
            state=refusal.state,
            issuer=self._effects.policy.issuer,
            trusted=signed_in or await self._is_vetted(client_id),
            in_fragment=refusal.in_fragment,
        )

    async def _is_vetted(self, client_id: str | None) -> bool:
        client = await self._clients.lookup(client_id or "")
        return client is not None and client.origin == "pre-registered"


# Its redirect URI is nobody's now, or another's.
_CLIENT_GONE = frozenset((Reason.AUTHORIZE_CLIENT_UNKNOWN, Reason.CLIENT_ENDED))
