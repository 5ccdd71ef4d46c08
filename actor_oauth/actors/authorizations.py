"""From a client's wish to a grant: parse, ask, answer.

The server's own pages ask by a consent transaction; an application with pages of its own
asks in its own way and then calls `complete`. Both end in the same turn of the user's
actor.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Final

from actor_oauth.actors.accounts import Accounts, Session, check_user_id
from actor_oauth.actors.clients import Clients
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.pushed_authorizations import PushedAuthorizations
from actor_oauth.actors.refusals import Refusals
from actor_oauth.actors.user import Approved, UserActor
from actor_oauth.oauth.authorization_request import (
    AuthorizationRequest,
    LocalRefusal,
    RedirectRefusal,
    decide_authorization_request,
)
from actor_oauth.oauth.authorization_response import error_redirect, success_redirect
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.consent import Consent
from actor_oauth.oauth.interaction import Interaction, SignIn, decide_interaction
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.question_lifecycle import QuestionState
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redirect_uris import matches
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.wire import to_wire

HANDLE_BYTES: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentScope:
    """A scope as the user is asked about it.

    Attributes:
        name: As in the protocol.
        description: The operator's words for it, if there are any.
    """

    name: str
    description: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentView:
    """What a consent page shows.

    Attributes:
        client: Who asks; its name is unverified.
        request: What for.
        user_id: Who is asked.
        resource_name: The operator's name of the resource, if it has one.
        scopes: What would be granted, in the request's order.
    """

    client: Client
    request: AuthorizationRequest
    user_id: str
    resource_name: str | None
    scopes: tuple[ConsentScope, ...]


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where to send the browser: complete, and checked to be the client's."""

    url: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The transaction was answered before, has expired, or is another session's."""


class Authorizations:
    """The authorization endpoint's decisions and effects."""

    def __init__(
        self,
        effects: Effects,
        clients: Clients,
        accounts: Accounts,
        pushed: PushedAuthorizations,
        refusals: Refusals,
    ) -> None:
        self._effects = effects
        self._clients = clients
        self._accounts = accounts
        self._pushed = pushed
        self._refusals = refusals

    async def parse(
        self, parameters: Parameters, *, presented_at: int | None = None
    ) -> AuthorizationRequest | LocalRefusal | RedirectRefusal:
        """Whether a request may be put to a user (C-02 to C-10, C-26).

        Args:
            parameters: The query.
            presented_at: When the browser first came with it; None for now.
        """
        decision: AuthorizationRequest | LocalRefusal | RedirectRefusal | None
        decision = await self._pushed.find(parameters, presented_at=presented_at)
        if decision is None:
            client = await self._clients.lookup(parameters.get("client_id") or "")
            decision = decide_authorization_request(
                parameters, client, self._effects.policy
            )
        if not isinstance(decision, AuthorizationRequest):
            self._note(decision.reason, parameters.get("client_id"))
        return decision

    async def required_interaction(
        self,
        request: AuthorizationRequest,
        sign_in: SignIn | None,
        *,
        presented_at: int | None,
    ) -> Interaction | Refused:
        """Which page a request needs next, or why the client gets none."""
        decision = decide_interaction(
            request,
            sign_in,
            presented_at=presented_at,
            remembered=False,
            now=self._effects.now(),
        )
        if isinstance(decision, Refused):
            self._note(decision.reason, request.client_id)
        return decision

    async def complete(
        self,
        request: AuthorizationRequest,
        *,
        user_id: str,
        scope: Scope | None = None,
        metadata: Json = None,
        props: Json = None,
        auth_time: int | None = None,
    ) -> str:
        """Grant a request on behalf of a user whom the application has asked.

        Returns:
            Where to redirect the browser: with a code, or with the error if the client
            has gone meanwhile.

        Raises:
            ValueError: If the user's name, the metadata or the props are not acceptable.
        """
        check_user_id(user_id)
        user = self._accounts.actor(user_id)
        approval = await self._approval(
            request,
            user.address.key,
            scope=scope,
            metadata=metadata,
            props=props,
            auth_time=auth_time,
        )
        if isinstance(approval, Refused):
            return self._error(request, approval.reason)
        refused = await self._pushed.complete(request, self._effects.fresh())
        if refused is not None:
            return self._error(request, refused.reason)
        outcome = await user.authorize(
            request,
            approval,
            user_id=user_id,
            policy=self._effects.policy,
            fresh=self._effects.fresh(),
            now=self._effects.now(),
        )
        if isinstance(outcome, Refused):
            return self._error(request, outcome.reason)
        return self._success(outcome)

    async def begin_consent(
        self, session: Session, request: AuthorizationRequest, client: Client
    ) -> str:
        """Open a transaction for this session; returns its handle, fit for a URL."""
        handle = self._effects.entropy.token_bytes(HANDLE_BYTES)
        # If the session has just ended nothing is stored, and the handle leads nowhere.
        await self._user(session).begin_consent(
            request,
            client,
            session_secret=session.secret,
            handle=handle,
            lifetimes=self._effects.policy.lifetimes,
            now=self._effects.now(),
        )
        return urlsafe_b64encode(handle).decode()

    async def describe_consent(
        self, session: Session, handle: str
    ) -> ConsentView | None:
        """What a transaction asks; None if it is not open to this session."""
        opened = await self._open_consent(session, handle)
        if opened is None:
            return None
        _, consent = opened
        if consent.state is not QuestionState.PENDING:
            return None
        request, policy = consent.request, self._effects.policy
        descriptions = dict(policy.scope_descriptions)
        names = {resource.identifier: resource.name for resource in policy.resources}
        return ConsentView(
            client=consent.client,
            request=request,
            user_id=session.user_id,
            resource_name=names.get(request.resource),
            scopes=tuple(
                ConsentScope(name=name, description=descriptions.get(name))
                for name in request.scope
            ),
        )

    async def approve_consent(
        self, session: Session, handle: str, *, scope: Scope
    ) -> Redirect | Gone | LocalRefusal:
        """Answer yes; the first answer counts (C-14, C-15)."""
        opened = await self._open_consent(session, handle)
        if opened is None:
            return Gone()
        raw, consent = opened
        user = self._user(session)
        request = consent.request
        gone = await self._client_gone(request)
        approval: Approval | Refused = gone or await self._approval(
            request, session.user_key, scope=scope, auth_time=session.auth_time
        )
        if isinstance(approval, Refused):
            self._refusals.note(approval, "consent", client_id=request.client_id)
            return LocalRefusal(
                Reason.AUTHORIZE_CLIENT_UNKNOWN if gone is None else gone.reason
            )
        # Before the code, not after it: a crash in between costs a request, and no
        # order of crashes gives two codes. The same transaction may try again.
        if await self._pushed.complete(request, raw) is not None:
            return Gone()
        outcome = await user.approve_consent(
            raw,
            approval,
            session_secret=session.secret,
            policy=self._effects.policy,
            fresh=self._effects.fresh(),
            now=self._effects.now(),
        )
        if isinstance(outcome, Approved):
            return Redirect(self._success(outcome))
        if outcome.reason in _OVER:
            return Gone()
        return Redirect(self._error(request, outcome.reason))

    async def deny_consent(self, session: Session, handle: str) -> Redirect | Gone:
        """Answer no; the first answer counts (C-15, C-16)."""
        opened = await self._open_consent(session, handle)
        if opened is None:
            return Gone()
        raw, consent = opened
        user = self._user(session)
        if await self._pushed.complete(consent.request, raw) is not None:
            return Gone()
        outcome = await user.deny_consent(
            raw, session_secret=session.secret, now=self._effects.now()
        )
        if isinstance(outcome, Refused):
            return Gone()
        return Redirect(self._error(outcome.request, Reason.USER_DENIED))

    async def _client_gone(self, request: AuthorizationRequest) -> Refused | None:
        client = await self._clients.lookup(request.client_id)
        if client is None:
            return Refused(Reason.AUTHORIZE_CLIENT_UNKNOWN)
        if not any(matches(uri, request.redirect_uri) for uri in client.redirect_uris):
            return Refused(Reason.REDIRECT_URI_UNREGISTERED)
        return None

    async def _approval(
        self,
        request: AuthorizationRequest,
        user_key: str,
        *,
        scope: Scope | None,
        metadata: Json = None,
        props: Json = None,
        auth_time: int | None,
    ) -> Approval | Refused:
        epoch = await self._clients.enlist(request.client_id, user_key)
        if isinstance(epoch, Refused):
            return epoch
        return Approval(
            scope=request.scope if scope is None else scope,
            props=props,
            metadata=metadata,
            client_epoch=epoch,
            auth_time=auth_time,
        )

    async def _open_consent(
        self, session: Session, handle: str
    ) -> tuple[bytes, Consent] | None:
        """The handle's bytes and its transaction, if that is open to this session."""
        raw = _parse_handle(handle)
        if raw is None:
            return None
        consent = await self._user(session).pending_consent(
            raw, session_secret=session.secret, now=self._effects.now()
        )
        return None if consent is None else (raw, consent)

    def _user(self, session: Session) -> UserActor:
        return self._effects.system.get(UserActor, session.user_key)

    def _success(self, approved: Approved) -> str:
        return success_redirect(
            approved.request.redirect_uri,
            code=approved.code,
            state=approved.request.state,
            issuer=self._effects.policy.issuer,
        )

    def _error(self, request: AuthorizationRequest, reason: Reason) -> str:
        self._note(reason, request.client_id)
        error = to_wire(reason)
        return error_redirect(
            request.redirect_uri,
            error=error.error,
            description=error.description,
            state=request.state,
            issuer=self._effects.policy.issuer,
        )

    def _note(self, reason: Reason, client_id: str | None) -> None:
        self._refusals.note(Refused(reason), "authorize", client_id=client_id)


_OVER: Final = frozenset(
    (Reason.CONSENT_UNKNOWN, Reason.CONSENT_ANSWERED, Reason.SESSION_ENDED)
)


def _parse_handle(text: str) -> bytes | None:
    try:
        raw = urlsafe_b64decode(text)
    except ValueError:
        return None
    return raw if len(raw) == HANDLE_BYTES else None
