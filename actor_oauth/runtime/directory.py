"""One activation per address in this process: made on demand, passivated when idle.

An activation counts from before its store is opened until after it is closed, however it
ends, so the cap bounds open files too (G5). Over the cap, whoever wants another stands in
line, and the least recently used idle activations make room. And an actor is opened again
only after its last store has been closed: no two stores of this process share a file.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog
import trio

from actor_oauth.runtime.activation import Activation
from actor_oauth.runtime.actor import Actor
from actor_oauth.runtime.address import Address
from actor_oauth.runtime.clock import Clock
from actor_oauth.runtime.engine import Engine
from actor_oauth.runtime.errors import (
    ActorBrokenError,
    ActorError,
    StoppedError,
    StorageError,
    describe,
)
from actor_oauth.runtime.lifecycle import ActivationEvent, ActivationState
from actor_oauth.runtime.limits import RuntimeLimits
from actor_oauth.runtime.memory import Budget
from actor_oauth.runtime.repeats import Repeats
from actor_oauth.runtime.storage_faults import Fault, storage_fault

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# Closing takes a thread and a sync: several at once share both.
PASSIVATION_BATCH = 32
ROOM_CHECK_SECONDS = 0.02
# Such a part of the cap is made free, where it is not small, once half of that is left:
# so that nobody waits for it, and several are closed at once.
ROOM_AHEAD = 8


class _Place:
    """A place in the line for an activation; callers of one actor share it."""

    __slots__ = ("admitted", "callers", "create")

    def __init__(self) -> None:
        self.admitted = trio.Event()
        self.callers = 0
        self.create = False


class Directory:
    """Finds, makes and closes activations.

    Args:
        engine: Opens and closes stores.
        kinds: The actor classes, by kind.
        limits: The cap and the idle time.
        clock: Wall time, for the activations.
        nursery: Where loading and closing run, out of reach of callers' cancellation.
        on_loaded: Called with each activation that has begun to serve.
        on_gone: Called with the address of each that is not in memory any more.

    Attributes:
        cap: How many activations there may be.
        budget: For what they remember.
    """

    def __init__(
        self,
        engine: Engine,
        kinds: Mapping[str, type[Actor]],
        limits: RuntimeLimits,
        clock: Clock,
        nursery: trio.Nursery,
        *,
        on_loaded: Callable[[Activation], None],
        on_gone: Callable[[Address], None],
    ) -> None:
        self._engine = engine
        self._kinds = kinds
        self._limits = limits
        # A sender stays in memory while its receiver is brought there.
        self.cap = max(2, min(limits.max_activations, engine.max_activations))
        self.budget = Budget(limits.remembered_bytes)
        self._enough = self.cap - self.cap // ROOM_AHEAD
        self._crowd = self.cap - self.cap // ROOM_AHEAD // 2
        self._clock = clock
        self._nursery = nursery
        self._on_loaded = on_loaded
        self._on_gone = on_gone
        self._activations: OrderedDict[Address, Activation] = OrderedDict()
        self._line: OrderedDict[Address, _Place] = OrderedDict()
        self._pressure = trio.lowlevel.ParkingLot()
        self._failures = Repeats()
        self._closed = False

    def __len__(self) -> int:
        return len(self._activations)

    def __contains__(self, address: Address) -> bool:
        return address in self._activations

    def find(self, address: Address) -> Activation | None:
        """The serving activation, marked as just used; or None."""
        activation = self._activations.get(address)
        if (
            activation is None
            or activation.state is not ActivationState.SERVING
            or self._closed
        ):
            return None
        activation.last_used = trio.current_time()
        self._activations.move_to_end(address)
        return activation

    async def activate(self, address: Address, *, create: bool) -> Activation | None:
        """The serving activation, loaded if need be; None if the actor does not exist.

        Cancelling it cancels the wait, never the loading.

        Raises:
            ActorBrokenError: If the actor's database is damaged.
            StorageError: If the storage refuses.
            StoppedError: If the system is closed.
        """
        while not self._closed:
            activation = self._activations.get(address)
            if activation is None:
                if not create and not self._engine.exists(address):
                    return None
                await self._admission(address, create=create)
                continue
            if activation.state is ActivationState.SERVING:
                return self.find(address)
            await activation.moved()
            if activation.load_failure is not None:
                raise _told(address, activation.load_failure)
        raise StoppedError("the system is shut down")

    async def _admission(self, address: Address, *, create: bool) -> None:
        """Return once loading has begun, or it is time to look again."""
        if not self._line and len(self._activations) < self.cap:
            self._start_loading(address, create=create)
            return
        place = self._line.setdefault(address, _Place())
        place.create = place.create or create
        place.callers += 1
        self._pressure.unpark()
        try:
            await place.admitted.wait()
        finally:
            place.callers -= 1
            if not place.callers and self._line.get(address) is place:
                del self._line[address]

    def _admit(self) -> None:
        while self._line and len(self._activations) < self.cap:
            address, place = self._line.popitem(last=False)
            place.admitted.set()
            self._start_loading(address, create=place.create)

    def _start_loading(self, address: Address, *, create: bool) -> None:
        activation = Activation(
            self._kinds[address.kind],
            address,
            self._clock,
            mailbox_size=self._limits.mailbox_size,
            budget=self.budget,
        )
        self._activations[address] = activation
        if len(self._activations) > self._crowd:
            self._pressure.unpark()
        self._nursery.start_soon(partial(self._load, activation, create=create))

    async def _load(self, activation: Activation, *, create: bool) -> None:
        address = activation.address
        migrations = activation.actor_class.migrations
        store = None
        try:
            store = await self._engine.open(address, migrations, create=create)
            if store is not None:
                activation.loaded(store)
        except Exception as error:  # noqa: BLE001 - a bug in a migration breaks its actor only
            self._tell_of_failure(address, _text(error))
            if store is not None:
                await self._engine.discard(store)
            activation.load_failure = error
            activation.advance(ActivationEvent.LOAD_FAILED)
            self._remove(activation)
            return
        if store is None:
            # It was there a moment ago, and is gone: absent, as `activate` then finds.
            activation.advance(ActivationEvent.ABSENT)
            self._remove(activation)
            return
        self._on_loaded(activation)

    def _tell_of_failure(self, address: Address, error: str) -> None:
        more = self._failures.more(error)
        if more is not None:
            log.error("actor cannot be loaded", actor=str(address), error=error, **more)

    def _remove(self, activation: Activation) -> None:
        del self._activations[activation.address]
        activation.memory.forget()
        activation.tell()
        self._on_gone(activation.address)
        self._admit()

    def drop(self, activation: Activation) -> None:
        """Let go of a broken activation's store once the gate has, and forget it."""
        self._nursery.start_soon(self._discard, activation)

    async def _discard(self, activation: Activation) -> None:
        while activation.gated:
            await activation.ungated.park()
        await self._engine.discard(activation.store)
        self._remove(activation)

    async def make_room(self) -> None:
        """Passivate what is idle while there is too little room, for ever.

        Room is made ahead, since closing an actor takes longer than opening one.
        """
        while True:
            wanted = len(self._line)
            if len(self._activations) > self._crowd:
                wanted = max(wanted, len(self._activations) - self._enough)
            victims = self._idle_activations(min(PASSIVATION_BATCH, wanted))
            if await self._passivate(victims):
                continue
            if self._line:
                await trio.sleep(ROOM_CHECK_SECONDS)
            else:
                await self._pressure.park()

    def _idle_activations(
        self, most: int, *, unused_since: float | None = None
    ) -> list[Activation]:
        victims: list[Activation] = []
        for activation in self._activations.values():
            if len(victims) >= most:
                break
            if unused_since is not None and activation.last_used > unused_since:
                break
            if activation.idle:
                victims.append(activation)
        return victims

    async def _passivate(self, victims: Sequence[Activation]) -> int:
        """Close idle activations; calls that arrive meanwhile wait, and load them anew.

        Returns:
            How many were closed.
        """
        if not victims:
            return 0
        for activation in victims:
            activation.advance(ActivationEvent.PASSIVATED)
        kept = await self._engine.close(
            [(activation.store, activation.wake_at) for activation in victims]
        )
        for activation in victims:
            failure = kept.get(activation.address)
            if failure is None:
                activation.advance(ActivationEvent.CLOSED)
                self._remove(activation)
            else:
                activation.advance(ActivationEvent.CLOSE_FAILED)
                self._on_loaded(activation)
        for address, failure in kept.items():
            log.error("actor stays in memory", actor=str(address), error=_text(failure))
        return len(victims) - len(kept)

    async def sweep(self) -> None:
        """Passivate what has been idle for too long, for ever."""
        idle_seconds = self._limits.idle_seconds
        while True:
            await trio.sleep(idle_seconds / 4)
            unused_since = trio.current_time() - idle_seconds
            closed = 1
            while closed:
                closed = await self._passivate(
                    self._idle_activations(PASSIVATION_BATCH, unused_since=unused_since)
                )

    async def drain(self, more_to_come: Callable[[], bool]) -> None:
        """Passivate everything, waiting for what is busy. The caller bounds the time.

        Args:
            more_to_come: Whether calls are under way that may still need an activation.
        """
        while self._activations or more_to_come():
            if not await self._passivate(self._idle_activations(PASSIVATION_BATCH)):
                await trio.sleep(ROOM_CHECK_SECONDS)

    def close(self) -> None:
        """Send everybody away who waits for an activation, a place or a turn."""
        self._closed = True
        for place in self._line.values():
            place.admitted.set()
        for activation in self._activations.values():
            activation.refuse(StoppedError("the server is shutting down"))


def _text(error: Exception) -> str:
    # What SQLite says of a file holds no values.
    return str(error) if isinstance(error, sqlite3.Error) else describe(error)


def _told(address: Address, failure: Exception) -> ActorError:
    """What a caller is told of a load that failed. A new error for each caller."""
    error: ActorError
    refused = isinstance(failure, OSError) or (
        isinstance(failure, sqlite3.Error)
        and storage_fault(failure) not in (Fault.DAMAGED, None)
    )
    if refused:
        error = StorageError(f"{address}: the storage refused: {_text(failure)}")
    else:
        error = ActorBrokenError(
            f"{address}: its database cannot be used: {_text(failure)}"
        )
    error.__cause__ = failure
    return error
