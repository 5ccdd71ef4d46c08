"""Remembered consents: whether the page may be skipped, and skipping it."""

from actor_oauth.actors.accounts import Accounts
from actor_oauth.actors.authorization_answers import AuthorizationAnswers
from actor_oauth.actors.clients import Clients
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.pushed_authorizations import PushedAuthorizations
from actor_oauth.actors.user import Approved
from actor_oauth.oauth.authorization_answer import AuthorizationError, Redirect
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redirect_uris import matches
from actor_oauth.oauth.remembered_consent import RememberedConsent


class RememberedConsents:
    """What users want not to be asked again."""

    def __init__(
        self,
        effects: Effects,
        *,
        clients: Clients,
        accounts: Accounts,
        pushed: PushedAuthorizations,
        answers: AuthorizationAnswers,
    ) -> None:
        self._effects = effects
        self._clients = clients
        self._accounts = accounts
        self._pushed = pushed
        self._answers = answers

    async def holds_for(self, request: AuthorizationRequest, user_id: str) -> bool:
        """Whether a request need not be put to this user again (C-12)."""
        client = await self._clients.lookup(request.client_id)
        if client is None:
            return False
        return await self._accounts.actor(user_id).is_remembered(
            request, client, policy=self._effects.policy, now=self._effects.now()
        )

    async def approve(
        self,
        request: AuthorizationRequest,
        *,
        user_id: str,
        browser: str,
        auth_time: int | None,
        metadata: Json,
        props: Json,
    ) -> Redirect | AuthorizationError:
        """Grant what the user has allowed before.

        Raises:
            ValueError: If the metadata or the props are not acceptable.
        """
        if request.details is not None:
            # Details are shown each time: only scopes are remembered.
            return await self._answers.error(
                request, Reason.CONSENT_REQUIRED, signed_in=True
            )
        client = await self._clients.lookup(request.client_id)
        if client is None or not any(
            matches(uri, request.redirect_uri) for uri in client.redirect_uris
        ):
            reason = Reason.AUTHORIZE_CLIENT_UNKNOWN
            return self._answers.error_here(reason, request.client_id)
        user = self._accounts.actor(user_id)
        approval = await self._answers.approval(
            request,
            user.address.key,
            scope=None,
            metadata=metadata,
            props=props,
            auth_time=auth_time,
        )
        if isinstance(approval, Refused):
            return self._answers.error_here(approval.reason, request.client_id)
        spent = await self._pushed.complete(request, self._effects.fresh())
        if spent is not None:
            return self._answers.error_here(spent.reason, request.client_id)
        outcome = await user.authorize_remembered(
            request,
            client,
            approval,
            browser=browser,
            policy=self._effects.policy,
            fresh=self._effects.fresh(),
            now=self._effects.now(),
        )
        if isinstance(outcome, Approved):
            return await self._answers.success(outcome)
        return await self._answers.error(request, outcome.reason, signed_in=True)

    async def listed(self, user_id: str) -> tuple[RememberedConsent, ...]:
        """What is remembered of a user, newest first."""
        user = self._accounts.actor(user_id)
        return await user.list_remembered(now=self._effects.now())

    async def forget(self, user_id: str, consent_id: str) -> bool:
        """Ask the user again from now on; whether there was something to forget."""
        return await self._accounts.actor(user_id).forget_consent(consent_id)
