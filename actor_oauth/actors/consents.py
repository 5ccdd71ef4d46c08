"""Consent: a request is stored in the user's actor under a handle, answered once.

The handle is good in one browser only, for one user, and for minutes. Several may be open
at once. It serves the server's own pages and an application's alike.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Final

from actor_oauth.actors.accounts import Accounts, check_asked_user
from actor_oauth.actors.authorization_answers import AuthorizationAnswers
from actor_oauth.actors.browser_secrets import check_browser
from actor_oauth.actors.client.logos import Logos
from actor_oauth.actors.clients import Clients
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.pushed_authorizations import PushedAuthorizations
from actor_oauth.actors.user import Approved
from actor_oauth.oauth.authorization_answer import AuthorizationError, Redirect
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.client_fingerprint import client_fingerprint
from actor_oauth.oauth.consent import Consent
from actor_oauth.oauth.consent_view import ConsentView, view_of
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.openid_client import check_auth_time
from actor_oauth.oauth.pictures import Picture
from actor_oauth.oauth.question_lifecycle import QuestionState
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redirect_uris import matches
from actor_oauth.oauth.scopes import OPENID, Scope

HANDLE_BYTES: Final = 24


class Consents:
    """Puts requests to users, and takes their answers."""

    def __init__(
        self,
        effects: Effects,
        *,
        clients: Clients,
        accounts: Accounts,
        pushed: PushedAuthorizations,
        answers: AuthorizationAnswers,
        logos: Logos | None,
    ) -> None:
        self._effects = effects
        self._clients = clients
        self._accounts = accounts
        self._pushed = pushed
        self._answers = answers
        self._logos = logos

    async def begin(
        self,
        request: AuthorizationRequest,
        *,
        user_id: str,
        browser: str,
        auth_time: int | None,
    ) -> str | AuthorizationError:
        """Open a transaction; returns its handle, fit for a URL.

        Raises:
            ValueError: If the user's name is not acceptable, `browser` too short, or a
                time that the client requires is missing.
        """
        check_asked_user(self._effects, user_id, browser)
        check_browser(browser)
        client = await self._clients.lookup(request.client_id)
        if client is None:
            return self._answers.error_here(
                Reason.AUTHORIZE_CLIENT_UNKNOWN, request.client_id
            )
        if OPENID in request.scope:
            check_auth_time(client.openid, auth_time)
        handle = self._effects.entropy.token_bytes(HANDLE_BYTES)
        begun = await self._accounts.actor(user_id).begin_consent(
            request,
            client,
            browser=browser,
            auth_time=auth_time,
            handle=handle,
            policy=self._effects.policy,
            now=self._effects.now(),
        )
        if not begun:
            return self._answers.error_here(Reason.SESSION_ENDED, request.client_id)
        return urlsafe_b64encode(handle).decode()

    async def describe(
        self, handle: str, *, user_id: str, browser: str | None
    ) -> ConsentView | None:
        """What a transaction asks; None if nothing is asked here."""
        found = await self._open(handle, user_id, browser)
        if found is None or found[1].state is not QuestionState.PENDING:
            return None
        return view_of(found[1], user_id, self._effects.policy)

    async def logo(
        self, handle: str, *, user_id: str, browser: str | None
    ) -> Picture | None:
        """The logo of the requesting client, if logos are shown and it is suitable."""
        found = await self._open(handle, user_id, browser)
        if found is None or self._logos is None:
            return None
        return await self._logos.get(found[1].client)

    async def approve(
        self,
        handle: str,
        *,
        user_id: str,
        browser: str | None,
        scope: Scope | None,
        remember: bool,
        metadata: Json,
        props: Json,
        details: Sequence[Json] | None,
    ) -> Redirect | AuthorizationError:
        """Answer yes; the first answer counts (C-14, C-15).

        Raises:
            ValueError: If the metadata or the props are not acceptable.
        """
        found = await self._open(handle, user_id, browser)
        if found is None:
            return self._answers.error_here(Reason.CONSENT_UNKNOWN, None)
        raw, consent = found
        request, user = consent.request, self._accounts.actor(user_id)
        reason = await self._client_problem(consent)
        if reason is not None:
            return self._answers.error_here(reason, request.client_id)
        approval = await self._answers.approval(
            request,
            user.address.key,
            scope=consent.offered if scope is None else scope,
            metadata=metadata,
            props=props,
            details=details,
        )
        if isinstance(approval, Refused):
            return self._answers.error_here(approval.reason, request.client_id)
        # Before the code, not after it: a crash in between costs a request, and no
        # order of crashes gives two codes. The same transaction may try again.
        spent = await self._pushed.complete(request, raw)
        if spent is not None:
            return self._answers.error_here(spent.reason, request.client_id)
        outcome = await user.approve_consent(
            raw,
            approval,
            user_id=user_id,
            browser=browser or "",
            remember=remember,
            policy=self._effects.policy,
            fresh=self._effects.fresh(),
            now=self._effects.now(),
        )
        if isinstance(outcome, Approved):
            return await self._answers.success(outcome)
        return await self._refused(request, outcome)

    async def deny(
        self, handle: str, *, user_id: str, browser: str | None
    ) -> Redirect | AuthorizationError:
        """Answer no; the first answer counts (C-15, C-16)."""
        found = await self._open(handle, user_id, browser)
        if found is None:
            return self._answers.error_here(Reason.CONSENT_UNKNOWN, None)
        raw, consent = found
        request = consent.request
        spent = await self._pushed.complete(request, raw)
        if spent is not None:
            return self._answers.error_here(spent.reason, request.client_id)
        outcome = await self._accounts.actor(user_id).deny_consent(
            raw,
            browser=browser or "",
            policy=self._effects.policy,
            now=self._effects.now(),
        )
        if isinstance(outcome, Refused):
            return await self._refused(request, outcome)
        problem = await self._client_problem(consent)
        if problem is not None and problem is not Reason.CLIENT_CHANGED:
            return self._answers.error_here(problem, request.client_id)
        denied = await self._answers.error(request, Reason.USER_DENIED, signed_in=True)
        assert denied.redirect_to is not None
        return Redirect(denied.redirect_to)

    async def _refused(
        self, request: AuthorizationRequest, refused: Refused
    ) -> AuthorizationError:
        if refused.reason in OVER:
            return self._answers.error_here(refused.reason, request.client_id)
        return await self._answers.error(request, refused.reason, signed_in=True)

    async def _client_problem(self, consent: Consent) -> Reason | None:
        """Why what the user saw of the client is not so any more (C-14, B-19)."""
        client = await self._clients.lookup(consent.request.client_id)
        if client is None:
            return Reason.AUTHORIZE_CLIENT_UNKNOWN
        wanted = consent.request.redirect_uri
        if not any(matches(uri, wanted) for uri in client.redirect_uris):
            return Reason.REDIRECT_URI_UNREGISTERED
        if client_fingerprint(client) != client_fingerprint(consent.client):
            return Reason.CLIENT_CHANGED
        return None

    async def _open(
        self, handle: str, user_id: str, browser: str | None
    ) -> tuple[bytes, Consent] | None:
        """The handle's bytes and its transaction, if that is open to this browser."""
        raw = _parse_handle(handle)
        if raw is None:
            return None
        # A browser without a secret was never asked anything.
        consent = await self._accounts.actor(user_id).pending_consent(
            raw, browser=browser or "", now=self._effects.now()
        )
        return None if consent is None else (raw, consent)


OVER: Final = frozenset(
    (
        Reason.CONSENT_UNKNOWN,
        Reason.CONSENT_ANSWERED,
        Reason.SESSION_ENDED,
        Reason.REQUEST_URI_UNKNOWN,
        Reason.REQUEST_URI_SPENT,
    )
)
"""Reasons for which a question can no longer be answered: no client is informed."""


def _parse_handle(text: str) -> bytes | None:
    try:
        raw = urlsafe_b64decode(text)
    except ValueError:
        return None
    return raw if len(raw) == HANDLE_BYTES else None
