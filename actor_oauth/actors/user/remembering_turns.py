"""The part of a user's actor that remembers consents, and skips the page for them."""

from dataclasses import replace

from actor_oauth.actors.user import remembered
from actor_oauth.actors.user.authorization import Approved, Circumstances, authorize
from actor_oauth.actors.user.browsers import binding_of, recognised
from actor_oauth.actors.user.replacing import granted_scope
from actor_oauth.actors.user.turns import UserTurns
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.remembered_consent import RememberedConsent, holds_for
from actor_oauth.runtime import turn, view


class RememberingTurns(UserTurns, kind="user"):
    """Turns of a user's actor; see `UserActor`."""

    @view
    def is_remembered(
        self, request: AuthorizationRequest, client: Client, *, policy: Policy, now: int
    ) -> bool:
        """Tell whether a request need not be put to the user again."""
        found = remembered.load_remembered(self.db, remembered.consent_id_of(request))
        return holds_for(found, request, client, policy, now=now)

    @turn
    def authorize_remembered(
        self,
        request: AuthorizationRequest,
        client: Client,
        approval: Approval,
        *,
        browser: str,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> Approved | Refused:
        """Begin a grant for what the user has allowed before, and is remembered.

        It has what is asked, and what the grants have that it replaces and the user
        has had remembered too.

        Args:
            request: What is asked.
            client: The requesting client.
            approval: Its scope is ignored.
            browser: Where, see `binding_of`.
            policy: What the operator decided.
            fresh: Random bytes for this turn.
            now: The time of the turn.

        Raises:
            ValueError: If props or metadata are no JSON value, or too long.
        """
        key = self.address.key
        binding = binding_of(self.db, key, browser, now=now)
        if binding is None:
            return Refused(Reason.SESSION_ENDED)
        approval = recognised(self.db, approval, binding, now=now)
        found = remembered.load_remembered(self.db, remembered.consent_id_of(request))
        if found is None or not holds_for(found, request, client, policy, now=now):
            return Refused(Reason.CONSENT_REQUIRED)
        granted = granted_scope(self.db, request, client, policy, now=now)
        scope = request.scope.union(granted.intersection(found.scope))
        outcome = authorize(
            self.db,
            replace(request, scope=scope),
            replace(approval, scope=scope),
            Circumstances(key, policy, fresh, now),
        )
        if isinstance(outcome, Approved):
            self._sweep_soon(now)
        return outcome

    @view
    def list_remembered(self, *, now: int) -> tuple[RememberedConsent, ...]:
        """Give the remembered consents, newest first."""
        return remembered.list_remembered(self.db, now=now)

    @turn
    def forget_consent(self, consent_id: str) -> bool:
        """Ask again from now on; whether there was something to forget."""
        return remembered.forget(self.db, consent_id)
