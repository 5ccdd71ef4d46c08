"""The part of a user's actor that puts requests to the user, and begins grants."""

from actor_oauth.actors.user import account, authorization, consents
from actor_oauth.actors.user.authorization import Approved, Circumstances, Denied
from actor_oauth.actors.user.turns import UserTurns
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.consent import Consent
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.policy import Lifetimes, Policy
from actor_oauth.oauth.question_lifecycle import QuestionState
from actor_oauth.oauth.reasons import Refused
from actor_oauth.runtime import turn, view


class ConsentTurns(UserTurns, kind="user"):
    """Turns of a user's actor; see `UserActor`."""

    @turn
    def begin_consent(
        self,
        request: AuthorizationRequest,
        client: Client,
        *,
        session_secret: bytes,
        handle: bytes,
        lifetimes: Lifetimes,
        now: int,
    ) -> bool:
        """Put a request to the user.

        Args:
            request: What is asked.
            client: Who asks, as it will be shown.
            session_secret: Of the session that may answer; False if it has ended.
            handle: Fresh random bytes that name the transaction.
            lifetimes: How long it stays open.
            now: The time of the turn.
        """
        consent = Consent(
            state=QuestionState.PENDING,
            session_hash=self._session_key(session_secret),
            request=request,
            client=client,
            expires_at=now + lifetimes.consent,
        )
        begun = consents.begin_consent(self.db, handle, consent, now=now)
        if begun:
            self._sweep_soon(now)
        return begun

    @view
    def pending_consent(
        self, handle: bytes, *, session_secret: bytes, now: int
    ) -> Consent | None:
        """Give a transaction of this session that is not over; it may be answered."""
        key = self._session_key(session_secret)
        return consents.find_consent(self.db, handle, key, now=now)

    @turn
    def approve_consent(
        self,
        handle: bytes,
        approval: Approval,
        *,
        session_secret: bytes,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> Approved | Refused:
        """Answer a transaction with yes. Of several answers the first counts (C-15).

        Raises:
            ValueError: If props or metadata are no JSON value, or too long.
        """
        key = self._session_key(session_secret)
        circumstances = Circumstances(self.address.key, policy, fresh, now)
        outcome = authorization.approve(self.db, handle, key, approval, circumstances)
        if isinstance(outcome, Approved):
            self._sweep_soon(now)
        return outcome

    @turn
    def deny_consent(
        self, handle: bytes, *, session_secret: bytes, now: int
    ) -> Denied | Refused:
        """Answer a transaction with no. Of several answers the first counts (C-15)."""
        key = self._session_key(session_secret)
        return authorization.deny(self.db, handle, key, now=now)

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
        if account.load_account(self.db) is None:
            self._add_account(user_id, password_hash=None, now=now)
        self._sweep_soon(now)
        circumstances = Circumstances(self.address.key, policy, fresh, now)
        return authorization.authorize(self.db, request, approval, circumstances)
