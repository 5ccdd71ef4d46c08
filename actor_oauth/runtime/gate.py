"""The output gate: no reply leaves before what it tells of is on stable storage (G3).

A turn commits to the operating system's cache, and its reply is held here. One task at a
time makes everything committed so far durable, for all actors together, and then lets the
replies go; turns that commit meanwhile form the next batch. So a slow disk makes batches
larger, and never blocks the event loop.

A view, a turn that wrote nothing, and a turn that failed may have seen an earlier turn's
effects: their answers wait for the same batch. When the disk fails, the activation is
poisoned: none of its held replies is given, and its memory is not trusted again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import outcome
import trio

from actor_oauth.runtime.activation import Activation
from actor_oauth.runtime.address import Address
from actor_oauth.runtime.call import Answer, Call
from actor_oauth.runtime.engine import Engine, Store
from actor_oauth.runtime.errors import NotDurableError, StoppedError

Held = list[tuple[Call, Answer]]

STEPS_OF_A_REQUEST: Final = 2
"""Passes of the event loop from a request's bytes to its turn, in which others may come."""


class OutputGate:
    """Holds replies until their activation's commits are durable.

    Args:
        engine: Makes commits durable.
        poison: Called with an activation whose sync failed, and why.
    """

    def __init__(
        self, engine: Engine, *, poison: Callable[[Activation, OSError], None]
    ) -> None:
        self._engine = engine
        self._poison = poison
        self._next: dict[Activation, Held] = {}
        self._syncing: dict[Activation, Held] = {}
        self._work = trio.lowlevel.ParkingLot()

    def hold(self, activation: Activation, call: Call, answer: Answer) -> None:
        """Hold the reply of a turn that committed something."""
        held = self._next.get(activation)
        if held is None:
            held = self._next[activation] = []
            activation.gated += 1
            self._work.unpark()
        held.append((call, answer))

    def release(self, activation: Activation, call: Call, answer: Answer) -> None:
        """Give a reply that needs no sync of its own, after those that it may depend on."""
        held = self._next.get(activation)
        if held is None:
            held = self._syncing.get(activation)
        if held is None:
            call.answer(answer)
        else:
            held.append((call, answer))

    async def run(self) -> None:
        """Sync batch after batch, for ever."""
        expected = 1
        while True:
            if not self._next:
                await self._work.park()
            await self._gather(expected)
            expected = len(self._next)
            self._syncing, self._next = self._next, {}
            stores: Sequence[Store] = [a.store for a in self._syncing]
            failures = await self._engine.make_durable(stores)
            self._settle(failures)

    def close(self) -> None:
        """Give up on replies that the disk has not confirmed in time for a shutdown."""
        for batch in (self._syncing, self._next):
            for held in batch.values():
                for call, _ in held:
                    call.answer(outcome.Error(StoppedError("shut down before durable")))
            batch.clear()

    async def _gather(self, expected: int) -> None:
        """Let turns join that the event loop already has in hand.

        A sync, with its way to a thread and back, costs more than a turn does. So a batch is
        to be as large as the one before, but is waited for only while it grows.
        """
        joined = 0
        while joined < len(self._next) < expected:
            joined = len(self._next)
            for _ in range(STEPS_OF_A_REQUEST):
                await trio.lowlevel.checkpoint()

    def _settle(self, failures: Mapping[Address, OSError]) -> None:
        batch, self._syncing = self._syncing, {}
        for activation, held in batch.items():
            activation.gated -= 1
            failure = failures.get(activation.address)
            if failure is None:
                for call, answer in held:
                    call.answer(answer)
            else:
                self._refuse(held, failure)
                # What was committed after the failed sync is lost with it.
                later = self._next.pop(activation, None)
                if later is not None:
                    activation.gated -= 1
                    self._refuse(later, failure)
                self._poison(activation, failure)
            activation.ungated.unpark_all()

    @staticmethod
    def _refuse(held: Held, failure: OSError) -> None:
        for call, _ in held:
            error = NotDurableError(f"the disk did not confirm the write: {failure}")
            error.__cause__ = failure
            call.answer(outcome.Error(error))
