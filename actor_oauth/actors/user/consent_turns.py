"""The part of a user's actor that puts requests to the user, and begins grants."""

from dataclasses import replace

from actor_oauth.actors.user import authorization, consents
from actor_oauth.actors.user.authorization import (
    Approved,
    Circumstances,
    Denied,
    answer_consent,
)
from actor_oauth.actors.user.browsers import binding_of, recognised
from actor_oauth.actors.user.remembered import (
    consent_id_of,
    load_remembered,
    save_remembered,
)
from actor_oauth.actors.user.replacing import granted_scope
from actor_oauth.actors.user.turns import UserTurns
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.consent import Consent, is_open_to
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.question_lifecycle import Answer, QuestionState
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.remembered_consent import after_answer
from actor_oauth.oauth.scopes import Scope
from actor_oauth.runtime import turn, view


class ConsentTurns(UserTurns, kind="user"):
    """Turns of a user's actor; see `UserActor`.

    `browser` is what ties a question to a browser, see `binding_of`.
    """

    @turn(creates=True)
    def begin_consent(
        self,
        request: AuthorizationRequest,
        client: Client,
        *,
        browser: str,
        auth_time: int | None,
        handle: bytes,
        policy: Policy,
        now: int,
    ) -> bool:
        """Put a request to the user.

        Args:
            request: What is asked.
            client: The requesting client, as it will be shown.
            browser: Where it is asked, and must be answered.
            auth_time: When the user last proved who it is.
            handle: Fresh random bytes that name the transaction.
            policy: What the operator decided.
            now: The time of the turn.

        Returns:
            False if the browser's session has ended; nothing is stored then.
        """
        binding = binding_of(self.db, self.address.key, browser, now=now)
        if binding is None:
            return False
        consent = Consent(
            state=QuestionState.PENDING,
            browser=binding,
            request=request,
            client=client,
            granted=granted_scope(self.db, request, client, policy, now=now),
            auth_time=auth_time,
            expires_at=now + policy.lifetimes.consent,
        )
        consents.save_consent(self.db, handle, consent)
        self._sweep_soon(now)
        return True

    @view
    def pending_consent(
        self, handle: bytes, *, browser: str, now: int
    ) -> Consent | None:
        """Give a transaction of this browser that is not over; it may be answered."""
        binding = binding_of(self.db, self.address.key, browser, now=now)
        consent = consents.load_consent(self.db, handle)
        if binding is None or consent is None:
            return None
        return consent if is_open_to(consent, binding, now) else None

    @turn
    def approve_consent(
        self,
        handle: bytes,
        approval: Approval,
        *,
        user_id: str,
        browser: str,
        remember: bool = False,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> Approved | Refused:
        """Answer a transaction with yes. Of several answers the first counts (C-15).

        A yes that cannot be given a code leaves the transaction as it was.

        Args:
            handle: Names the transaction.
            approval: What of it the user allows.
            user_id: The user's name; the user may be new here.
            browser: Where it is answered.
            remember: Whether the user asked not to be asked again.
            policy: What the operator decided.
            fresh: Random bytes for this turn.
            now: The time of the turn.

        Raises:
            ValueError: If props or metadata are no JSON value, or too long.
        """
        key = self.address.key
        consent = answer_consent(self.db, key, handle, browser, Answer.APPROVE, now=now)
        if isinstance(consent, Refused):
            return consent
        self._see_account(user_id, now=now)
        outcome = authorization.authorize(
            self.db,
            replace(consent.request, scope=consent.offered),
            recognised(
                self.db,
                replace(approval, auth_time=consent.auth_time),
                consent.browser,
                now=now,
            ),
            Circumstances(key, policy, fresh, now),
        )
        if isinstance(outcome, Approved):
            consents.save_consent(self.db, handle, consent)
            self._remember(
                consent, approval.scope, remember=remember, policy=policy, now=now
            )
            self._sweep_soon(now)
        return outcome

    @turn
    def deny_consent(
        self, handle: bytes, *, browser: str, policy: Policy, now: int
    ) -> Denied | Refused:
        """Answer a transaction with no. Of several answers the first counts (C-15)."""
        consent = answer_consent(
            self.db, self.address.key, handle, browser, Answer.DENY, now=now
        )
        if isinstance(consent, Refused):
            return consent
        consents.save_consent(self.db, handle, consent)
        self._remember(consent, Scope(), remember=False, policy=policy, now=now)
        return Denied(request=consent.request)

    @turn(creates=True)
    def authorize(
        self,
        request: AuthorizationRequest,
        approval: Approval,
        *,
        user_id: str,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> Approved | Refused:
        """Begin a grant for a user whom the application has asked, and may be new here.

        Raises:
            ValueError: If props or metadata are no JSON value, or too long.
        """
        self._see_account(user_id, now=now)
        self._sweep_soon(now)
        circumstances = Circumstances(self.address.key, policy, fresh, now)
        return authorization.authorize(self.db, request, approval, circumstances)

    def _remember(
        self,
        consent: Consent,
        allowed: Scope,
        *,
        remember: bool,
        policy: Policy,
        now: int,
    ) -> None:
        """Have the answer count for what is remembered."""
        consent_id = consent_id_of(consent.request)
        remembered = after_answer(
            load_remembered(self.db, consent_id),
            consent,
            allowed,
            remember=remember,
            consent_id=consent_id,
            policy=policy,
            now=now,
        )
        save_remembered(self.db, consent_id, remembered)
