"""The actor of one user: everything that happens to a user's grants, one turn at a time.

Each turn below is a line or two: the work is in plain functions that take the database,
one module per concern, and what is decided is decided in `actor_oauth.oauth`.
Randomness, time, keys and policy come with each turn; passwords arrive as argon2 hashes.
"""

from actor_oauth.actors.directory import USERS, DirectoryActor
from actor_oauth.actors.user import (
    account,
    audit,
    authorization,
    consents,
    exchange,
    grants,
    sessions,
)
from actor_oauth.actors.user.account import Account
from actor_oauth.actors.user.audit import AuditEvent
from actor_oauth.actors.user.authorization import Approved, Circumstances, Denied
from actor_oauth.actors.user.exchange import Redeemed, Refreshed
from actor_oauth.actors.user.exchanged_tokens import forget_tokens_of
from actor_oauth.actors.user.grants import GrantPage
from actor_oauth.actors.user.housekeeping import sweep
from actor_oauth.actors.user.schema import USER_MIGRATIONS
from actor_oauth.actors.user.sessions import Session, session_hash
from actor_oauth.actors.user.token_turns import TokenTurns
from actor_oauth.actors.user.tokens import find_access_token
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.consent import Consent, ConsentState
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.grants import GrantEvent
from actor_oauth.oauth.introspect import decide_access
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.policy import Lifetimes, Policy
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.redeem_code import CodeRequest
from actor_oauth.oauth.refresh import RefreshRequest
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import AccessTokenInfo, Token
from actor_oauth.runtime import turn, view


class UserActor(TokenTurns, kind="user"):
    """Owns one user. Its key is `user_key(keyring, user_id)`."""

    migrations = USER_MIGRATIONS

    # Account

    @turn(creates=True)
    def create_account(self, user_id: str, *, password_hash: str, now: int) -> bool:
        """Make an account that can log in, and list it in the directory.

        A user whom an application brought along, without a password, becomes one.

        Returns:
            False if there is one already: nothing is changed then.
        """
        known = account.load_account(self.db)
        if known is None:
            self._add_account(user_id, password_hash=password_hash, now=now)
        elif known.password_hash is None:
            account.save_password(self.db, password_hash, now=now)
        return known is None or known.password_hash is None

    @turn
    def set_password(self, password_hash: str, *, now: int) -> bool:
        """Change the password; every session and grant ends with the old one (H-08).

        Returns:
            False if there is no account.
        """
        if account.load_account(self.db) is None:
            return False
        account.save_password(self.db, password_hash, now=now)
        self._end_everything(GrantEvent.CREDENTIALS_CHANGED, now=now)
        return True

    @turn
    def set_disabled(self, *, disabled: bool, now: int) -> bool:
        """Disable the account, with every session and grant, or enable it again.

        Returns:
            False if there is no account, or it is so already.
        """
        known = account.load_account(self.db)
        if known is None or known.disabled == disabled:
            return False
        account.save_disabled(self.db, disabled=disabled, now=now)
        if disabled:
            self._end_everything(GrantEvent.REVOKED_BY_OPERATOR, now=now)
        return True

    @view
    def account(self) -> Account | None:
        """Give the account, or None if there is none."""
        return account.load_account(self.db)

    @view
    def audit_trail(self, *, limit: int = 256) -> tuple[AuditEvent, ...]:
        """Give the newest security events, newest first."""
        return audit.load_events(self.db, limit=limit)

    # Login and sessions

    @turn
    def login_allowed(self, *, now: int) -> int:
        """Admit an attempt to log in, which counts as failed until `record_login`.

        Returns:
            Seconds to wait; 0 if the password may be verified now.
        """
        return account.count_attempt(self.db, now=now)

    @turn
    def record_login(self, *, success: bool, now: int) -> None:
        """Say how an attempt ended that `login_allowed` admitted."""
        account.record_login(self.db, success=success, now=now)

    @turn
    def open_session(
        self,
        *,
        secret: bytes,
        verified_hash: str | None,
        lifetimes: Lifetimes,
        now: int,
    ) -> str | None:
        """Open a session for a user who has just proved who it is.

        Args:
            secret: 32 fresh random bytes.
            verified_hash: The password hash that was verified, from `account`. None for
                a user who was recognised in another way.
            lifetimes: How long sessions live.
            now: The time of the turn.

        Returns:
            What the browser holds; None if the account is disabled, gone, or has had
            another password since.
        """
        token = sessions.session_token(self.address.key, secret)
        opened = sessions.open_session(
            self.db, token, verified_hash=verified_hash, lifetimes=lifetimes, now=now
        )
        if not opened:
            return None
        self._sweep_soon(now)
        return token.render()

    @view
    def session(self, secret: bytes, *, now: int) -> Session | None:
        """Give a session that is alive, or None."""
        return sessions.load_session(self.db, self._session_key(secret), now=now)

    @turn
    def touch_session(self, secret: bytes, *, now: int) -> None:
        """Note that a session is in use; due when `Session.touch_due` says so."""
        sessions.touch_session(self.db, self._session_key(secret), now=now)

    @turn
    def close_session(self, secret: bytes) -> None:
        """End a session."""
        sessions.close_session(self.db, self._session_key(secret))

    @turn
    def close_all_sessions(self, *, now: int) -> int:
        """End every session of the user; returns how many there were."""
        return sessions.close_all_sessions(self.db, now=now)

    # Consent

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
            state=ConsentState.PENDING,
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

    # Tokens

    @turn
    def redeem(
        self,
        token: Token,
        *,
        client: Client,
        redirect_uri: str | None,
        code_verifier: str | None,
        resources: tuple[str, ...] = (),
        proof: Proof | None = None,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> Redeemed | Refused:
        """Redeem a code for an authenticated client (D-12 to D-20)."""
        request = CodeRequest(
            token, client, redirect_uri, code_verifier, resources, proof
        )
        return exchange.redeem(self.db, request, policy=policy, fresh=fresh, now=now)

    @turn
    def refresh(
        self,
        token: Token,
        *,
        client: Client,
        scope: Scope | None = None,
        resources: tuple[str, ...] = (),
        proof: Proof | None = None,
        keyring: Keyring,
        policy: Policy,
        fresh: bytes,
        now: int,
    ) -> Refreshed | Refused:
        """Refresh for an authenticated client (D-21 to D-32)."""
        request = RefreshRequest(
            token,
            client.client_id,
            scope,
            resources,
            proof,
            binds=not client.is_confidential,
        )
        outcome = exchange.refresh(
            self.db, request, keyring=keyring, policy=policy, fresh=fresh, now=now
        )
        if isinstance(outcome, Refused):
            return outcome
        return self._refreshed(outcome, now)

    @view
    def check_access_token(self, token: Token, *, now: int) -> AccessTokenInfo | None:
        """Say what a live access token is good for, with its props; else None."""
        return decide_access(token, find_access_token(self.db, token), now=now)

    @view
    def introspect(self, token: Token, *, now: int) -> AccessTokenInfo | None:
        """Say the same without the props. Other kinds of token are inactive (H-10)."""
        stored = find_access_token(self.db, token)
        return decide_access(token, stored, now=now, with_props=False)

    # Grants

    @view
    def list_grants(
        self, *, cursor: str | None = None, limit: int = 50, now: int
    ) -> GrantPage:
        """Give the grants in force, newest first."""
        return grants.list_grants(self.db, cursor=cursor, limit=limit, now=now)

    @turn
    def revoke_grant(
        self,
        grant_id: str,
        *,
        now: int,
        reason: GrantEvent = GrantEvent.REVOKED_BY_USER,
    ) -> bool:
        """End a grant.

        Returns:
            False if there is no such grant, or it has ended already.
        """
        key = self.address.key
        return grants.end_named_grant(self.db, key, grant_id, reason, now=now)

    @turn
    def revoke_all_grants(
        self, *, now: int, reason: GrantEvent = GrantEvent.REVOKED_BY_USER
    ) -> int:
        """End every grant of the user; returns how many there were."""
        return grants.end_live_grants(self.db, self.address.key, reason, now=now)

    @turn(creates=True)
    def revoke_client(self, *, client_id: str, epoch: int, now: int) -> None:
        """End a client's grants, and refuse new ones of an epoch that has ended (B-36).

        Creates the actor, so that the tombstone meets what is still on its way.
        """
        authorization.bury_client(self.db, client_id, epoch, now=now)
        forget_tokens_of(self.db, client_id)
        self._sweep_soon(now)
        key, event = self.address.key, GrantEvent.CLIENT_ENDED
        grants.end_live_grants(self.db, key, event, now=now, client_id=client_id)

    def on_alarm(self, *, now: int) -> None:
        """Erase what is over, and ask to be woken for what will be."""
        self.set_alarm(sweep(self.db, self.address.key, now=now))

    # Inside turns

    def _add_account(
        self, user_id: str, *, password_hash: str | None, now: int
    ) -> None:
        account.insert_account(self.db, user_id, password_hash=password_hash, now=now)
        self.send(
            DirectoryActor, USERS, DirectoryActor.add, entry_id=user_id, created_at=now
        )

    def _session_key(self, secret: bytes) -> bytes:
        return session_hash(self.address.key, secret)

    def _end_everything(self, event: GrantEvent, *, now: int) -> None:
        sessions.close_all_sessions(self.db, now=now)
        grants.end_live_grants(self.db, self.address.key, event, now=now)
