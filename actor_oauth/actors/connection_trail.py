"""What a user's vault tells the user's actor, for the audit trail.

It stands apart because either of the two knows of the other.
"""

from enum import StrEnum

from actor_oauth.runtime import Actor, turn


class ConnectionEvent(StrEnum):
    """What can happen to a connection to another service."""

    AUTHORIZED = "connection_authorized"
    REFUSED = "connection_refused"
    ENDED = "connection_ended"
    REMOVED = "connection_removed"


class ConnectionTrail(Actor, kind="user"):
    """The part of a user's actor that a vault may speak to; see `ConnectionTurns` there."""

    @turn(creates=True)
    def note_connection(self, *, event: str, detail: str, at: int) -> None:
        """Add an event of a connection to the audit trail.

        Args:
            event: A `ConnectionEvent`.
            detail: Of which resource, and why.
            at: When, in Unix seconds.
        """
        raise NotImplementedError
