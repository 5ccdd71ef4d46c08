"""What the parts of a user's actor share inside their turns."""

from actor_oauth.actors.directory import USERS, DirectoryActor
from actor_oauth.actors.user import account, grants, sessions
from actor_oauth.actors.user.consents import forget_consents
from actor_oauth.actors.user.housekeeping import link_alarm, sweep_alarm
from actor_oauth.actors.user.refreshing import Refreshed, RefreshOutcome
from actor_oauth.actors.user.remembered import forget_all
from actor_oauth.actors.user.sessions import session_hash
from actor_oauth.oauth.grants import GrantEvent
from actor_oauth.runtime import Actor, Database


def end_everything(
    db: Database, actor_key: str, event: GrantEvent, *, now: int
) -> None:
    """End every session and grant of a user, and whatever could become one."""
    forget_consents(db)
    forget_all(db)
    sessions.close_all_sessions(db, now=now)
    grants.end_live_grants(db, actor_key, event, now=now)


class UserTurns(Actor, kind="user"):
    """Base of the parts of a user's actor; see `UserActor`."""

    def _add_account(
        self, user_id: str, *, password_hash: str | None, now: int
    ) -> None:
        account.insert_account(self.db, user_id, password_hash=password_hash, now=now)
        self.send(
            DirectoryActor, USERS, DirectoryActor.add, entry_id=user_id, created_at=now
        )

    def _revive_account(
        self, user_id: str, *, password_hash: str | None, now: int
    ) -> None:
        account.revive_account(self.db, user_id, password_hash=password_hash, now=now)
        self.send(
            DirectoryActor, USERS, DirectoryActor.add, entry_id=user_id, created_at=now
        )

    def _see_account(self, user_id: str, *, now: int) -> None:
        """Make an account for a user of an application's who has none here."""
        if account.load_account(self.db) is None:
            self._add_account(user_id, password_hash=None, now=now)

    def _session_key(self, secret: bytes) -> bytes:
        return session_hash(self.address.key, secret)

    def _end_everything(self, event: GrantEvent, *, now: int) -> None:
        end_everything(self.db, self.address.key, event, now=now)

    def _refreshed(self, outcome: RefreshOutcome) -> Refreshed:
        key, at = self.address.key, outcome.link_ends_at
        swept = sweep_alarm(key, outcome.over_at)
        self.wake_by(swept if at is None else min(swept, link_alarm(key, at)))
        return outcome.refreshed

    def _sweep_soon(self, now: int) -> None:
        # The sweep finds out by itself when the next one is due.
        self.wake_by(sweep_alarm(self.address.key, now))
