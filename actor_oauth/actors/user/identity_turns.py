"""The part of a user's actor that knows the user's accounts at other services."""

from collections.abc import Sequence

from actor_oauth.actors.user import account, identities, sessions
from actor_oauth.actors.user.audit import AccountEvent, record_event
from actor_oauth.actors.user.identities import LinkedIdentity
from actor_oauth.actors.user.turns import UserTurns
from actor_oauth.oauth.federation.faults import SignInFault
from actor_oauth.oauth.policy import Lifetimes
from actor_oauth.runtime import turn, view


class IdentityTurns(UserTurns, kind="user"):
    """Turns of a user's actor; see `UserActor`."""

    @turn(creates=True)
    def sign_in_by(
        self,
        identity: LinkedIdentity,
        *,
        user_id: str,
        creates: bool,
        authenticated_at: int | None = None,
        methods: Sequence[str] = (),
        secret: bytes,
        lifetimes: Lifetimes,
        now: int,
    ) -> str | SignInFault:
        """Open a session for a user whom another service has authenticated.

        Args:
            identity: Who that is there.
            user_id: Who that is here.
            creates: Whether an account may be made.
            authenticated_at: When they proved it there; None if that is not known.
            methods: How, as the service says.
            secret: 32 fresh random bytes.
            lifetimes: How long sessions live.
            now: The time of the turn.

        Returns:
            What the browser holds; or why there is no session.
        """
        known = account.load_account(self.db)
        if known is None:
            if not creates:
                return SignInFault.ACCOUNT_UNKNOWN
            self._add_account(user_id, password_hash=None, now=now)
        elif known.disabled:
            return SignInFault.ACCOUNT_DISABLED
        identities.save_identity(self.db, identity)
        record_event(
            self.db, AccountEvent.LOGIN_SUCCEEDED, at=now, detail=identity.provider
        )
        token = sessions.session_token(self.address.key, secret)
        sessions.open_session(
            self.db,
            token,
            verified_hash=None,
            authenticated_at=authenticated_at,
            methods=methods,
            lifetimes=lifetimes,
            now=now,
        )
        self._sweep_soon(now)
        return token.render()

    @turn
    def add_identity(self, identity: LinkedIdentity, *, now: int) -> bool:
        """Note an identity that has been connected; False without an account."""
        known = account.load_account(self.db)
        if known is None or known.disabled:
            return False
        if not identities.save_identity(self.db, identity):
            return False
        record_event(
            self.db, AccountEvent.IDENTITY_LINKED, at=now, detail=identity.provider
        )
        return True

    @turn
    def remove_identity(self, issuer: str, subject: str, *, now: int) -> bool:
        """Forget an identity; False if it is none of the user's."""
        removed = identities.delete_identity(self.db, issuer, subject)
        if removed:
            record_event(self.db, AccountEvent.IDENTITY_UNLINKED, at=now, detail=issuer)
        return removed

    @view
    def identities(self) -> tuple[LinkedIdentity, ...]:
        """Give the user's accounts at other services, the oldest first."""
        return identities.load_identities(self.db)
