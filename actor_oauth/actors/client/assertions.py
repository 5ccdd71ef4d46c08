"""A client's assertions can be used once (E-13): see `used_assertions`."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Final

from actor_oauth.actors.used_assertions import Use, purge_time, use_assertion
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.runtime import Actor, turn

MAX_ASSERTIONS: Final = 20_000
"""Remembered for one client: some thirty requests a second, all the time."""

_REFUSALS: Final[Mapping[Use, Reason]] = {
    Use.REPEATED: Reason.CLIENT_ASSERTION_REPLAYED,
    Use.EXPIRED: Reason.CLIENT_ASSERTION_EXPIRED,
    Use.NO_ROOM: Reason.CLIENT_ASSERTIONS_TOO_MANY,
}


class AssertionMemory(Actor, kind="client"):
    """The part of a client's actor that knows which assertions were used."""

    @abstractmethod
    def client_in_force(self) -> Client | None:
        """Give the client with its current epoch; None unless it is active."""

    @turn
    def use_assertion(
        self, jti_hash: bytes, *, keep_until: int, now: int
    ) -> Refused | None:
        """Use an assertion whose signature was verified.

        Args:
            jti_hash: Of its `jti`; not empty.
            keep_until: When it has expired for sure.
            now: The time of the turn.

        Returns:
            Refused if it was used before, or if that cannot be known.
        """
        if self.client_in_force() is None:
            return Refused(Reason.CLIENT_UNKNOWN)
        use = use_assertion(
            self.db, jti_hash, keep_until=keep_until, limit=MAX_ASSERTIONS, now=now
        )
        if use is not Use.FIRST:
            return Refused(_REFUSALS[use])
        self.wake_by(purge_time(keep_until))
        return None
