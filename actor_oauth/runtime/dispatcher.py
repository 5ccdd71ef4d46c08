"""Runs turns: one task, one turn at a time, round robin over the actors that have any.

Turns of one actor run first in, first out, and each actor gives way to the others after
every turn (G6). No turn runs in a caller's task, so no caller can be cancelled inside one
(G4). The single task is also what keeps two turns of one actor apart within this process;
the engine's transaction does it between processes (G1).

Views read committed state between turns, in their caller's task: they skip the mailbox.
"""

import sqlite3
from collections import deque
from collections.abc import Callable
from typing import Final

import outcome
import trio

from actor_oauth.runtime.activation import Activation
from actor_oauth.runtime.call import Answer, Call
from actor_oauth.runtime.errors import (
    ActorBrokenError,
    ActorUsageError,
    StorageError,
    forget_frames,
)
from actor_oauth.runtime.gate import OutputGate
from actor_oauth.runtime.lifecycle import ActivationEvent, ActivationState
from actor_oauth.runtime.storage_faults import Fault, storage_fault
from actor_oauth.runtime.turn_watch import TurnWatch
from actor_oauth.runtime.turns import explained

# A turn takes some 0.1 ms: others wait about 2 ms for this task to give way.
TURNS_PER_STEP: Final = 16


class Dispatcher:
    """Runs turns in a task of its own, and views at once.

    Args:
        gate: Where replies go.
        nursery: For activations that wait until their store can begin a turn.
        watch: Tells of turns that take long.
        on_effects: Called with an activation after a turn that set its alarm or sent.
        on_broken: Called with an activation that broke, and why.
    """

    def __init__(
        self,
        gate: OutputGate,
        nursery: trio.Nursery,
        watch: TurnWatch,
        *,
        on_effects: Callable[[Activation], None],
        on_broken: Callable[[Activation, Exception], None],
    ) -> None:
        self._gate = gate
        self._nursery = nursery
        self._watch = watch
        self._on_effects = on_effects
        self._on_broken = on_broken
        self._round: deque[Activation] = deque()
        self._work = trio.lowlevel.ParkingLot()

    def post(self, activation: Activation, call: Call) -> None:
        """Put a call into its place in the mailbox, and the activation into the round."""
        activation.mailbox.put(call)
        if not activation.queued:
            self._enter_round(activation)

    async def run(self) -> None:
        """Run turns, for ever."""
        while True:
            if not self._round:
                await self._work.park()
            for _ in range(min(TURNS_PER_STEP, len(self._round))):
                self._step(self._round.popleft())
            await trio.lowlevel.checkpoint()

    def read(self, activation: Activation, call: Call) -> bool:
        """Run the call as a view; False if the store cannot be read at this moment.

        Its answer is there at once, unless it has to wait at the gate.
        """
        store = activation.store
        try:
            if not store.begin_view():
                return False
        except sqlite3.Error as error:
            self._gate.release(activation, call, self._failed(activation, error))
            return True
        answer: Answer
        changes = store.db.total_changes
        self._watch.begin(activation.address, call.operation)
        try:
            value = activation.run(call)
            _refuse_writes(call, store.db.total_changes - changes)
            answer = outcome.Value(value)
        except BaseException as error:  # noqa: BLE001 - a view's fault is its caller's
            answer = self._failed(activation, error)
            activation.drop_effects()
        needs_sync = self._undo(activation)
        self._watch.end()
        self._pass_on(activation, call, answer, needs_sync=needs_sync)
        return True

    def _enter_round(self, activation: Activation) -> None:
        activation.queued = True
        self._round.append(activation)
        self._work.unpark()

    def _step(self, activation: Activation) -> None:
        activation.queued = False
        mailbox = activation.mailbox
        if activation.state is not ActivationState.SERVING or not len(mailbox):
            return
        call = mailbox.take()
        if not call.abandoned and not self._run_turn(activation, call):
            mailbox.put_back(call)
            activation.queued = True
            self._nursery.start_soon(self._wait_for_store, activation)
            return
        mailbox.taken()
        if len(mailbox) and not activation.queued:
            self._enter_round(activation)

    async def _wait_for_store(self, activation: Activation) -> None:
        try:
            await activation.store.wait(to_write=True)
        except OSError as error:
            # Views go on, and so do turns once there is room on the disk again.
            self._refuse_waiting(activation, error)
        if activation.state is ActivationState.SERVING:
            activation.queued = False
            if len(activation.mailbox):
                self._enter_round(activation)

    def _refuse_waiting(self, activation: Activation, error: OSError) -> None:
        """Answer the calls that wait for the store; later ones try anew."""
        mailbox = activation.mailbox
        for _ in range(len(mailbox)):
            told = StorageError(f"{activation.address}: the storage refused: {error}")
            told.__cause__ = error
            mailbox.take().answer(outcome.Error(told))
            mailbox.taken()

    def _run_turn(self, activation: Activation, call: Call) -> bool:
        """Run the call as a turn; False if the store cannot begin one yet."""
        store = activation.store
        try:
            if not store.begin():
                return False
        except sqlite3.Error as error:
            self._gate.release(activation, call, self._failed(activation, error))
            return True
        answer: Answer
        self._watch.begin(activation.address, call.operation)
        try:
            answer = outcome.Value(activation.run(call))
            needs_sync = store.commit()
        except BaseException as error:  # noqa: BLE001 - a turn's fault is its caller's
            answer = self._failed(activation, error)
            activation.drop_effects()
            needs_sync = self._undo(activation)
        else:
            if activation.take_effects():
                self._on_effects(activation)
        self._watch.end()
        self._pass_on(activation, call, answer, needs_sync=needs_sync)
        return True

    def _pass_on(
        self, activation: Activation, call: Call, answer: Answer, *, needs_sync: bool
    ) -> None:
        if needs_sync:
            self._gate.hold(activation, call, answer)
        else:
            self._gate.release(activation, call, answer)

    def _undo(self, activation: Activation) -> bool:
        """End the transaction without keeping anything; the answer is `rollback`'s."""
        try:
            return activation.store.rollback()
        except sqlite3.Error as error:
            self._fault(activation, error)
            return False

    def _failed(self, activation: Activation, error: BaseException) -> Answer:
        """What the caller is told of an error, and what becomes of the actor."""
        forget_frames(error)
        if not isinstance(error, sqlite3.Error):
            return outcome.Error(error)
        told: Exception
        fault = storage_fault(error)
        if fault is None:
            return outcome.Error(explained(error))
        if fault is Fault.DAMAGED:
            told = ActorBrokenError(
                f"{activation.address}: its database is damaged: {error}"
            )
        else:
            told = StorageError(f"{activation.address}: the storage refused: {error}")
        told.__cause__ = error
        if fault is not Fault.FULL:
            self._fault(activation, told)
        return outcome.Error(told)

    def _fault(self, activation: Activation, failure: Exception) -> None:
        if activation.state is ActivationState.SERVING:
            activation.break_off(ActivationEvent.FAULTED)
            self._on_broken(activation, failure)


def _refuse_writes(call: Call, changes: int) -> None:
    if changes:
        raise ActorUsageError(f"{call.operation.name} is a view: it must not write")
