"""Runs turns: one task, one turn at a time, round robin over the actors that have any.

Turns of one actor run first in, first out, and each actor gives way to the others after
every turn (G6). No turn runs in a caller's task, so no caller can be cancelled inside one
(G4). The single task is also what keeps two turns of one actor apart within this process;
the engine's transaction does it between processes (G1).
"""

import sqlite3
from collections import deque
from collections.abc import Callable
from typing import Final

import outcome
import trio

from actor_oauth.runtime.activation import Activation
from actor_oauth.runtime.call import Answer, Call
from actor_oauth.runtime.errors import ActorBrokenError, StorageError
from actor_oauth.runtime.gate import OutputGate
from actor_oauth.runtime.lifecycle import ActivationEvent, ActivationState
from actor_oauth.runtime.storage_faults import Fault, storage_fault

# A turn takes some 0.1 ms: others wait about 2 ms for this task to give way.
TURNS_PER_STEP: Final = 16


class Dispatcher:
    """The task that runs turns.

    Args:
        gate: Where replies go.
        nursery: For activations that wait until their store can begin a turn.
        on_committed: Called with an activation after each turn that committed.
        on_broken: Called with an activation that broke, and why.
    """

    def __init__(
        self,
        gate: OutputGate,
        nursery: trio.Nursery,
        *,
        on_committed: Callable[[Activation], None],
        on_broken: Callable[[Activation, BaseException], None],
    ) -> None:
        self._gate = gate
        self._nursery = nursery
        self._on_committed = on_committed
        self._on_broken = on_broken
        self._round: deque[Activation] = deque()
        self._work = trio.lowlevel.ParkingLot()

    def post(self, activation: Activation, call: Call) -> None:
        """Put a call into the mailbox, and the activation into the round."""
        activation.mailbox.append(call)
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

    def _enter_round(self, activation: Activation) -> None:
        activation.queued = True
        self._round.append(activation)
        self._work.unpark()

    def _step(self, activation: Activation) -> None:
        activation.queued = False
        if activation.state is not ActivationState.SERVING or not activation.mailbox:
            return
        call = activation.mailbox.popleft()
        if not call.abandoned and not self._run_turn(activation, call):
            activation.mailbox.appendleft(call)
            activation.queued = True
            self._nursery.start_soon(self._wait_for_store, activation)
            return
        activation.room.unpark()
        if activation.mailbox and not activation.queued:
            self._enter_round(activation)

    async def _wait_for_store(self, activation: Activation) -> None:
        try:
            await activation.store.wait()
        except OSError as error:
            self._fault(activation, StorageError(f"{activation.address}: {error}"))
            return
        if activation.state is ActivationState.SERVING:
            self._enter_round(activation)

    def _run_turn(self, activation: Activation, call: Call) -> bool:
        """Run the call as a turn; False if the store cannot begin one yet."""
        store = activation.store
        try:
            if not store.begin():
                return False
        except sqlite3.Error as error:
            call.answer(self._storage_failed(activation, error))
            return True
        try:
            value = call.operation.body(activation.actor, *call.args, **call.kwargs)
            needs_sync = store.commit()
        except sqlite3.Error as error:
            self._undo(activation)
            answer = self._storage_failed(activation, error)
            self._gate.release(activation, call, answer)
        except Exception as error:  # noqa: BLE001 - a turn's fault is its caller's
            self._undo(activation)
            self._gate.release(activation, call, outcome.Error(error))
        else:
            activation.take_effects()
            if needs_sync:
                self._gate.hold(activation, call, outcome.Value(value))
                self._on_committed(activation)
            else:
                self._gate.release(activation, call, outcome.Value(value))
        return True

    def view_failed(
        self, activation: Activation, call: Call, error: sqlite3.Error
    ) -> None:
        """Answer a view whose read failed; the actor breaks as it would in a turn."""
        call.answer(self._storage_failed(activation, error))

    def _undo(self, activation: Activation) -> None:
        activation.drop_effects()
        try:
            activation.store.rollback()
        except sqlite3.Error as error:
            self._fault(activation, error)

    def _storage_failed(self, activation: Activation, error: sqlite3.Error) -> Answer:
        """What the caller is told of a SQLite error, and what becomes of the actor."""
        fault = storage_fault(error)
        if fault is None:
            return outcome.Error(error)
        told: Exception
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

    def _fault(self, activation: Activation, failure: BaseException) -> None:
        if activation.state is ActivationState.SERVING:
            activation.break_off(ActivationEvent.FAULTED, failure)
            self._on_broken(activation, failure)
