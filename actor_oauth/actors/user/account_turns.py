"""The part of a user's actor that is the account."""

from actor_oauth.actors.user import account, audit
from actor_oauth.actors.user.account import Account
from actor_oauth.actors.user.audit import AuditEvent
from actor_oauth.actors.user.turns import UserTurns
from actor_oauth.oauth.grants import GrantEvent
from actor_oauth.runtime import turn, view


class AccountTurns(UserTurns, kind="user"):
    """Turns of a user's actor; see `UserActor`."""

    @turn(creates=True)
    def create_account(self, user_id: str, *, password_hash: str, now: int) -> bool:
        """Make an account that can log in, and list it in the directory.

        A user without a password, whom an application supplied, becomes one. A deleted
        user becomes a new one of the same name.

        Returns:
            False if there is one already: nothing is changed then.
        """
        known = account.load_account(self.db)
        if known is None:
            self._add_account(user_id, password_hash=password_hash, now=now)
        elif known.deleted:
            self._revive_account(user_id, password_hash=password_hash, now=now)
        elif known.password_hash is None:
            account.save_password(self.db, password_hash, now=now)
        return known is None or known.password_hash is None

    @turn
    def set_password(self, password_hash: str, *, now: int) -> bool:
        """Change the password; every session and grant ends with the old one (H-08).

        Returns:
            False if there is no account.
        """
        known = account.load_account(self.db)
        if known is None or known.deleted:
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
        if known is None or known.deleted or known.disabled == disabled:
            return False
        account.save_disabled(self.db, disabled=disabled, now=now)
        if disabled:
            self._end_everything(GrantEvent.REVOKED_BY_OPERATOR, now=now)
        return True

    @view
    def account(self) -> Account | None:
        """Give the account, or None if there is none."""
        known = account.load_account(self.db)
        return None if known is None or known.deleted else known

    @view
    def audit_trail(self, *, limit: int = 256) -> tuple[AuditEvent, ...]:
        """Give the newest security events, newest first."""
        return audit.load_events(self.db, limit=limit)
