"""Actors that do not exist: they answer as empty ones, and stay absent.

Whoever presents made-up tokens causes many such calls, so they cost no file, no mailbox
and no activation: one empty database in memory serves all absent actors of a kind, and
whatever is done to it is rolled back.
"""

import sqlite3
from collections.abc import Mapping
from typing import NoReturn

from actor_oauth.runtime.actor import Actor, Operation
from actor_oauth.runtime.address import Address
from actor_oauth.runtime.errors import ActorUsageError, forget_frames
from actor_oauth.runtime.schema import empty_image, open_image, steps
from actor_oauth.runtime.turns import explained, refuse_unfinished, restrict


class AbsentTurn:
    """The inside of a turn or view of an actor that does not exist: nothing is kept."""

    __slots__ = ("db", "running")

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self.running = False

    def get_alarm(self) -> int | None:
        """None: there is no alarm."""
        return None

    def set_alarm(self, at: int | None) -> None:
        """Nobody is there to be woken."""
        if at is not None:
            raise ActorUsageError(
                "an absent actor has no alarm: creates=True is missing"
            )

    def send(self, target: Address, turn_name: str, payload: str) -> None:  # noqa: ARG002 - the protocol's signature
        """Nobody is there to send."""
        raise ActorUsageError("an absent actor sends nothing: creates=True is missing")

    def receive(self, source: str, seq: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """A message that creates nothing does nothing, however often."""
        return True

    def alarm_failed(self) -> None:
        """There is none."""

    def look(self) -> None:
        """There is nothing to see."""


class AbsentActors:
    """Runs turns and views of absent actors of one kind.

    Args:
        actor_class: The kind.
    """

    def __init__(self, actor_class: type[Actor]) -> None:
        self._class = actor_class
        migrations = actor_class.migrations
        self._db = open_image(empty_image(migrations, steps(migrations)))
        self._turn = AbsentTurn(self._db)
        restrict(self._turn)

    def run(
        self,
        address: Address,
        operation: Operation,
        args: tuple[object, ...],
        kwargs: Mapping[str, object],
    ) -> object:
        """Run an operation on nothing.

        Raises:
            BaseException: What the operation raises.
            ActorUsageError: If it writes, and so should have been marked as creating.
        """
        actor = self._class(address, context=self._turn)
        self._db.execute("BEGIN /* absent */")
        changes = self._db.total_changes
        self._turn.running = True
        try:
            value = operation.body(actor, *args, **kwargs)
            refuse_unfinished(operation, value)
            if self._db.total_changes != changes:
                _refuse_to_write(operation, address)
        except sqlite3.Error as error:
            forget_frames(error)
            told = explained(error)
            if told is error:
                raise
            raise told from error
        except BaseException as error:
            forget_frames(error)
            raise
        else:
            return value
        finally:
            self._turn.running = False
            if self._db.in_transaction:
                self._db.execute("ROLLBACK /* absent */")

    def close(self) -> None:
        """Let go of the empty database."""
        self._db.close()


def _refuse_to_write(operation: Operation, address: Address) -> NoReturn:
    raise ActorUsageError(
        f"{operation.name} writes to {address}, which does not exist:"
        " mark the turn with creates=True"
    )
