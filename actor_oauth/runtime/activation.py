"""An actor in memory: its open store, its mailbox, and where it stands."""

import sqlite3
from collections import deque
from typing import Final

import outcome
import trio

from actor_oauth.runtime.actor import Actor
from actor_oauth.runtime.address import Address
from actor_oauth.runtime.call import Call, UnstartedError
from actor_oauth.runtime.engine import Store
from actor_oauth.runtime.errors import ActorUsageError
from actor_oauth.runtime.lifecycle import (
    ActivationEvent,
    ActivationState,
    advance,
)

_ALARM: Final = "alarm"
_SENT: Final = "sent"


class Activation:
    """One actor, from being loaded to being passivated or broken.

    Attributes:
        state: Moved by `advance` only.
        mailbox: Turns waiting to run, first in, first out (G6).
        queued: Whether the dispatcher has it in its round, or it waits for its store.
        alarm_at: The committed alarm, as far as this process knows (seconds).
        outbox_pending: Whether committed messages wait for delivery.
        sends: How many committed turns have sent messages.
        delivering: Whether a delivery task is at work.
        gated: Batches at the output gate that hold replies of this activation.
        failure: Why it broke.
    """

    def __init__(self, actor_class: type[Actor], address: Address) -> None:
        self.address = address
        self.actor_class = actor_class
        self.state = ActivationState.LOADING
        self.mailbox: deque[Call] = deque()
        self.room = trio.lowlevel.ParkingLot()
        self.queued = False
        self.gated = 0
        self.ungated = trio.lowlevel.ParkingLot()
        self.alarm_at: int | None = None
        self.outbox_pending = False
        self.sends = 0
        self.delivering = False
        self.last_used = trio.current_time()
        self.failure: BaseException | None = None
        self._moved = trio.Event()
        self._turn: RunningTurn | None = None
        self._store: Store | None = None
        self._actor: Actor | None = None

    @property
    def store(self) -> Store:
        """The open store; only from `SERVING` on."""
        assert self._store is not None
        return self._store

    @property
    def actor(self) -> Actor:
        """The instance that turns run on."""
        assert self._actor is not None
        return self._actor

    @property
    def idle(self) -> bool:
        """Whether nothing would be disturbed by passivating it."""
        return (
            self.state is ActivationState.SERVING
            and not self.mailbox
            and not self.queued
            and not self.gated
            and not self.delivering
        )

    def advance(self, event: ActivationEvent) -> None:
        """Move to the next state, and tell whoever waits for a move."""
        self.state = advance(self.state, event)
        self._moved.set()
        self._moved = trio.Event()

    async def moved(self) -> None:
        """Wait for the next change of state."""
        await self._moved.wait()

    def loaded(self, store: Store) -> None:
        """Take the store, read what the runtime left in it, and serve."""
        self._store = store
        self._turn = RunningTurn(store)
        self._actor = self.actor_class(self.address, context=self._turn)
        row = store.db.execute(
            "SELECT value FROM _runtime WHERE name = ?", (_ALARM,)
        ).fetchone()
        self.alarm_at = row[0] if row else None
        pending = store.db.execute("SELECT 1 FROM _outbox LIMIT 1").fetchone()
        self.outbox_pending = pending is not None
        self.advance(ActivationEvent.LOADED)

    def take_effects(self) -> None:
        """Make a committed turn's alarm and messages known to the runtime."""
        assert self._turn is not None
        if self._turn.alarm_moved:
            self.alarm_at = self._turn.alarm_at
        if self._turn.sent:
            self.outbox_pending = True
            self.sends += 1
        self._turn.reset()

    def drop_effects(self) -> None:
        """Forget what a turn that was rolled back asked of the runtime."""
        assert self._turn is not None
        self._turn.reset()

    def break_off(self, event: ActivationEvent, failure: BaseException) -> None:
        """Break, and hand the turns that were never begun back to their callers."""
        self.failure = failure
        self.advance(event)
        while self.mailbox:
            self.mailbox.popleft().answer(outcome.Error(UnstartedError()))
        self.room.unpark_all()


class RunningTurn:
    """The inside of a turn: what `self.db`, `self.send` and `self.set_alarm` do.

    One per activation, since an actor runs one turn at a time.
    """

    __slots__ = ("alarm_at", "alarm_moved", "db", "sent")

    def __init__(self, store: Store) -> None:
        self.alarm_at: int | None = None
        self.alarm_moved = False
        self.sent = False
        self.db = store.db

    def reset(self) -> None:
        """Forget the effects noted so far."""
        self.alarm_at = None
        self.alarm_moved = False
        self.sent = False

    def get_alarm(self) -> int | None:
        """When the alarm is due, or None."""
        return _read(self, _ALARM)

    def set_alarm(self, at: int | None) -> None:
        """Set, move or clear the alarm."""
        if at is None:
            self.db.execute("DELETE FROM _runtime WHERE name = ?", (_ALARM,))
        else:
            _write(self, _ALARM, at)
        self.alarm_at = at
        self.alarm_moved = True

    def send(self, target: Address, turn_name: str, payload: str) -> None:
        """Number a message and put it into the outbox.

        The counter outlives the rows: were numbers used twice, the receiver would take
        a new message for one that it has seen.
        """
        seq = (_read(self, _SENT) or 0) + 1
        _write(self, _SENT, seq)
        self.db.execute(
            "INSERT INTO _outbox VALUES (?, ?, ?, ?)",
            (seq, str(target), turn_name, payload),
        )
        self.sent = True


class AbsentTurn:
    """The inside of a turn or view of an actor that does not exist: nothing is kept."""

    __slots__ = ("db",)

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

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


def _read(turn: RunningTurn, name: str) -> int | None:
    row: tuple[int] | None = turn.db.execute(
        "SELECT value FROM _runtime WHERE name = ?", (name,)
    ).fetchone()
    return None if row is None else row[0]


def _write(turn: RunningTurn, name: str, value: int) -> None:
    turn.db.execute("INSERT OR REPLACE INTO _runtime VALUES (?, ?)", (name, value))
