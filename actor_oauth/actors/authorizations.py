"""From a client's request to a grant: parse, see which page it needs, complete.

The consent in between is in `consents.py`, for the server's own pages and for an
application's. An application that asks in its own manner calls `complete`. All end in
the same turn of the user's actor.
"""

from collections.abc import Sequence

from actor_oauth.actors.accounts import Accounts, check_user_id
from actor_oauth.actors.authorization_answers import AuthorizationAnswers
from actor_oauth.actors.clients import Clients
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.pushed_authorizations import PushedAuthorizations
from actor_oauth.actors.remembered_consents import RememberedConsents
from actor_oauth.oauth.authorization_answer import AuthorizationError, Redirect
from actor_oauth.oauth.authorization_request import (
    AuthorizationRequest,
    LocalRefusal,
    RedirectRefusal,
    decide_authorization_request,
)
from actor_oauth.oauth.interaction import Interaction, SignIn, decide_interaction
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.openid_client import check_auth_time
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.scopes import OPENID, Scope


class Authorizations:
    """The authorization endpoint's decisions and effects."""

    def __init__(
        self,
        effects: Effects,
        *,
        clients: Clients,
        accounts: Accounts,
        pushed: PushedAuthorizations,
        remembered: RememberedConsents,
        answers: AuthorizationAnswers,
    ) -> None:
        self._effects = effects
        self._clients = clients
        self._accounts = accounts
        self._pushed = pushed
        self._remembered = remembered
        self._answers = answers

    async def parse(
        self,
        parameters: Parameters,
        *,
        signed_in: bool,
        presented_at: int | None = None,
    ) -> AuthorizationRequest | AuthorizationError:
        """Whether a request may be put to a user (C-02 to C-10, C-26).

        Args:
            parameters: The query.
            signed_in: Whether a user is signed in, in this browser.
            presented_at: When the browser first came with it; None for now.
        """
        decision: AuthorizationRequest | LocalRefusal | RedirectRefusal | None
        decision = await self._pushed.find(parameters, presented_at=presented_at)
        client_id = parameters.get("client_id")
        if decision is None:
            client = await self._clients.lookup(client_id or "")
            decision = decide_authorization_request(
                parameters, client, self._effects.policy
            )
        if isinstance(decision, AuthorizationRequest):
            return decision
        return await self._answers.refusal(decision, client_id, signed_in=signed_in)

    async def required_interaction(
        self,
        request: AuthorizationRequest,
        sign_in: SignIn | None,
        *,
        presented_at: int | None,
    ) -> Interaction | AuthorizationError:
        """Which page a request needs next, or why the client gets none."""
        remembered = sign_in is not None and await self._remembered.holds_for(
            request, sign_in.user_id
        )
        decision = decide_interaction(
            request,
            sign_in,
            presented_at=presented_at,
            remembered=remembered,
            now=self._effects.now(),
        )
        if isinstance(decision, Refused):
            return await self._answers.error(
                request, decision.reason, signed_in=sign_in is not None
            )
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
        details: Sequence[Json] | None = None,
    ) -> Redirect | AuthorizationError:
        """Grant a request on behalf of a user whom the application has asked.

        Raises:
            ValueError: If the user's name, the metadata or the props are not
                acceptable, or a time that the client requires is missing.
        """
        check_user_id(user_id)
        if OPENID in request.scope:
            client = await self._clients.lookup(request.client_id)
            check_auth_time(None if client is None else client.openid, auth_time)
        user = self._accounts.actor(user_id)
        approval = await self._answers.approval(
            request,
            user.address.key,
            scope=scope,
            metadata=metadata,
            props=props,
            auth_time=auth_time,
            details=details,
        )
        if isinstance(approval, Refused):
            return await self._answers.error(request, approval.reason, signed_in=True)
        refused = await self._pushed.complete(request, self._effects.fresh())
        if refused is not None:
            return await self._answers.error(request, refused.reason, signed_in=True)
        outcome = await user.authorize(
            request,
            approval,
            user_id=user_id,
            policy=self._effects.policy,
            fresh=self._effects.fresh(),
            now=self._effects.now(),
        )
        if isinstance(outcome, Refused):
            return await self._answers.error(request, outcome.reason, signed_in=True)
        return await self._answers.success(outcome)
