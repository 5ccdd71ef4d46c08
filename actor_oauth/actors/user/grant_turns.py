"""The part of a user's actor that lists and ends grants."""

from actor_oauth.actors.user import authorization, grants
from actor_oauth.actors.user.exchanged_tokens import forget_tokens_of
from actor_oauth.actors.user.grants import GrantPage
from actor_oauth.actors.user.remembered import forget_all, forget_client
from actor_oauth.actors.user.turns import UserTurns
from actor_oauth.oauth.grants import GrantEvent
from actor_oauth.runtime import turn, view


class GrantTurns(UserTurns, kind="user"):
    """Turns of a user's actor; see `UserActor`."""

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
            False if the grant does not exist, or has ended already.
        """
        key = self.address.key
        return grants.end_named_grant(self.db, key, grant_id, reason, now=now)

    @turn
    def revoke_all_grants(
        self, *, now: int, reason: GrantEvent = GrantEvent.REVOKED_BY_USER
    ) -> int:
        """End every grant of the user, and forget what was remembered.

        Returns:
            How many grants there were.
        """
        forget_all(self.db)
        return grants.end_live_grants(self.db, self.address.key, reason, now=now)

    @turn(creates=True)
    def revoke_client(self, *, client_id: str, epoch: int, now: int) -> None:
        """End a client's grants, and refuse new ones of an epoch that has ended (B-36).

        Creates the actor, so that the tombstone meets what is still on its way.
        """
        authorization.bury_client(self.db, client_id, epoch, now=now)
        forget_tokens_of(self.db, client_id)
        forget_client(self.db, client_id)
        self._sweep_soon(now)
        key, event = self.address.key, GrantEvent.CLIENT_ENDED
        grants.end_live_grants(self.db, key, event, now=now, client_id=client_id)
