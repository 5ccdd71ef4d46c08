"""An actor in memory: its open store, its mailbox, and where it stands."""

import sqlite3
from collections.abc import Hashable
from typing import Final, cast

import outcome
import trio

from actor_oauth.runtime.actor import Actor
from actor_oauth.runtime.address import Address
from actor_oauth.runtime.call import Call, UnstartedError
from actor_oauth.runtime.clock import Clock
from actor_oauth.runtime.engine import Store
from actor_oauth.runtime.lifecycle import (
    ActivationEvent,
    ActivationState,
    advance,
)
from actor_oauth.runtime.mailbox import Mailbox
from actor_oauth.runtime.memory import Budget, Memorable, Memory
from actor_oauth.runtime.turns import RunningTurn

# When its alarm or a delivery has failed, a passivated actor is woken so much later.
REST_SECONDS: Final = 60


class Activation:
    """One actor, from being loaded to being passivated or broken.

    Args:
        actor_class: What to make of it.
        address: Who it is.
        clock: Wall time, for numbering messages.
        mailbox_size: How many calls may wait.
        budget: For what is remembered.

    Attributes:
        state: Moved by `advance` only.
        mailbox: Turns waiting to run.
        queued: Whether the dispatcher has it in its round, or it waits for its store.
        alarm_at: The committed alarm, as far as this process knows (seconds).
        outbox_pending: Whether committed messages wait for delivery.
        delivering: Whether messages of it are on their way now.
        resting: Whether delivery pauses after a failure.
        roused: Set when a pause of delivery is over before its time.
        gated: Batches at the output gate that hold replies of this activation.
        load_failure: Why it could not be loaded.
        memory: What its views have answered.
    """

    def __init__(
        self,
        actor_class: type[Actor],
        address: Address,
        clock: Clock,
        *,
        mailbox_size: int,
        budget: Budget,
    ) -> None:
        self.address = address
        self.actor_class = actor_class
        self.state = ActivationState.LOADING
        self.mailbox = Mailbox(mailbox_size)
        self.queued = False
        self.gated = 0
        self.ungated = trio.lowlevel.ParkingLot()
        self.alarm_at: int | None = None
        self.outbox_pending = False
        self.delivering = False
        self.resting = False
        self.roused = trio.Event()
        self.last_used = trio.current_time()
        self.load_failure: Exception | None = None
        self.memory = Memory(budget)
        self._clock = clock
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
    def idle(self) -> bool:
        """Whether nothing would be disturbed by passivating it."""
        return (
            self.state is ActivationState.SERVING
            and not self.mailbox
            and not self.queued
            and not self.gated
            and not self.delivering
        )

    @property
    def wake_at(self) -> int | None:
        """When to wake the actor once it has been passivated (seconds), if ever.

        What has just failed is left alone for a while: an actor that is woken again as
        soon as it has been passivated would be all that the process does.
        """
        assert self._turn is not None
        later = self._clock.now() + REST_SECONDS
        times = []
        if self.alarm_at is not None:
            times.append(later if self._turn.alarm_fails else self.alarm_at)
        if self.outbox_pending:
            times.append(later if self.resting else 0)
        return min(times, default=None)

    def advance(self, event: ActivationEvent) -> None:
        """Move to the next state, and tell whoever waits for a move."""
        self.state = advance(self.state, event)
        self.tell()

    def tell(self) -> None:
        """Have whoever waits for this activation look again."""
        self.roused.set()
        self._moved.set()
        self._moved = trio.Event()

    async def moved(self) -> None:
        """Wait for the next change of state, or until it is gone."""
        await self._moved.wait()

    def loaded(self, store: Store) -> None:
        """Take the store, read what the runtime left in it, and serve."""
        self._store = store
        self._turn = RunningTurn(store, self._clock)
        self._actor = self.actor_class(self.address, context=self._turn)
        self._turn.look()
        self.take_effects()
        self.advance(ActivationEvent.LOADED)

    def run(self, call: Call) -> object:
        """Run a call's body, in the transaction that was begun.

        Raises:
            BaseException: What the body raises.
            ActorUsageError: If it gave something that reads or runs on after the turn.
        """
        assert self._turn is not None
        assert self._actor is not None
        return self._turn.run(call.operation, self._actor, call.args, call.kwargs)

    def recall(self, key: Hashable) -> Memorable | None:
        """What a view has answered, if nothing was committed since.

        Only what needed no sync was remembered, and so it still needs none (G3).
        """
        try:
            version = self.store.version()
        except sqlite3.Error:
            # The view that is run instead says what is wrong.
            return None
        return self.memory.recall(version, key)

    def remembered(self, key: Hashable | None, answer: object) -> object:
        """Remember what the view found instead, if it may be; gives the answer."""
        if key is not None and answer is not None:
            self.memory.keep(key, cast("Memorable", answer))
        return answer

    def take_effects(self) -> bool:
        """Make a committed turn's alarm and messages known to the runtime.

        Returns:
            Whether there are any.
        """
        assert self._turn is not None
        turn = self._turn
        if not (turn.alarm_moved or turn.sent):
            return False
        if turn.alarm_moved:
            self.alarm_at = turn.alarm_at
        if turn.sent:
            self.outbox_pending = True
        turn.reset()
        return True

    def drop_effects(self) -> None:
        """Forget what a turn that was rolled back asked of the runtime."""
        assert self._turn is not None
        self._turn.reset()

    def break_off(self, event: ActivationEvent) -> None:
        """Break, and hand the turns that were never begun back to their callers."""
        self.advance(event)
        self.refuse(UnstartedError())

    def refuse(self, error: Exception) -> None:
        """Answer every call that was not begun, and take no more."""
        for call in self.mailbox.close():
            call.answer(outcome.Error(error))
        self.tell()
