"""The part of a user's actor that lets the user log in."""

from actor_oauth.actors.user import account, sessions
from actor_oauth.actors.user.consents import forget_consents
from actor_oauth.actors.user.sessions import Session
from actor_oauth.actors.user.turns import UserTurns
from actor_oauth.oauth.policy import Lifetimes
from actor_oauth.runtime import turn, view


class SessionTurns(UserTurns, kind="user"):
    """Turns of a user's actor; see `UserActor`."""

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

    @turn(creates=True)
    def enter(
        self, user_id: str, *, secret: bytes, lifetimes: Lifetimes, now: int
    ) -> str | None:
        """Open a session for a user whom the application knows, and may be new here.

        Args:
            user_id: Who that is.
            secret: 32 fresh random bytes.
            lifetimes: How long sessions live.
            now: The time of the turn.

        Returns:
            What the browser holds; None if the account is disabled.
        """
        if account.load_account(self.db) is None:
            self._add_account(user_id, password_hash=None, now=now)
        token = sessions.session_token(self.address.key, secret)
        opened = sessions.open_session(
            self.db, token, verified_hash=None, lifetimes=lifetimes, now=now
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
        """End every session of the user, and all that waits for an answer in one.

        Returns:
            How many sessions there were.
        """
        forget_consents(self.db)
        return sessions.close_all_sessions(self.db, now=now)
