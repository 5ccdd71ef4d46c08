"""The part of a user's actor that keeps the trail of connections to other services."""

from actor_oauth.actors.connection_trail import ConnectionEvent, ConnectionTrail
from actor_oauth.actors.user.account import load_account
from actor_oauth.actors.user.audit import record_event
from actor_oauth.actors.user.turns import UserTurns
from actor_oauth.runtime import turn


class ConnectionTurns(UserTurns, ConnectionTrail, kind="user"):
    """Turns of a user's actor; see `UserActor`."""

    @turn(creates=True)
    def note_connection(self, *, event: str, detail: str, at: int) -> None:
        """Add an event of a connection to the trail, unless the account is deleted."""
        known = load_account(self.db)
        if known is None or not known.deleted:
            record_event(self.db, ConnectionEvent(event), at=at, detail=detail)
