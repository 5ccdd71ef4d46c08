"""One activation per address in this process: made on demand, passivated when idle.

The number of activations is capped. Over the cap, the least recently used idle ones make
room; while none is idle, whoever wants another waits.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog
import trio
from sqlite_utils.migrations import Migrations

from actor_oauth.runtime.activation import Activation
from actor_oauth.runtime.actor import Actor
from actor_oauth.runtime.address import Address
from actor_oauth.runtime.engine import Engine
from actor_oauth.runtime.errors import ActorBrokenError, ActorError, StorageError
from actor_oauth.runtime.lifecycle import ActivationEvent, ActivationState
from actor_oauth.runtime.limits import RuntimeLimits
from actor_oauth.runtime.storage_faults import Fault, storage_fault

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# Closing takes a thread and a sync: several at once share both.
PASSIVATION_BATCH = 32
ROOM_CHECK_SECONDS = 0.005


class Directory:
    """Finds, makes and closes activations.

    Args:
        engine: Opens and closes stores.
        kinds: The actor classes, by kind.
        limits: The cap and the idle time.
        nursery: Where loading and closing run, out of reach of callers' cancellation.
        on_loaded: Called with each activation that has begun to serve.
        on_closed: Called with the address of each that was passivated.
    """

    def __init__(
        self,
        engine: Engine,
        kinds: Mapping[str, type[Actor]],
        limits: RuntimeLimits,
        nursery: trio.Nursery,
        *,
        on_loaded: Callable[[Activation], None],
        on_closed: Callable[[Address], None],
    ) -> None:
        self._engine = engine
        self._kinds = kinds
        self._cap = min(limits.max_activations, engine.max_activations)
        self._idle_seconds = limits.idle_seconds
        self._nursery = nursery
        self._on_loaded = on_loaded
        self._on_closed = on_closed
        self._activations: OrderedDict[Address, Activation] = OrderedDict()
        self._room = trio.lowlevel.ParkingLot()

    def __len__(self) -> int:
        return len(self._activations)

    def find(self, address: Address) -> Activation | None:
        """The serving activation, marked as just used; or None."""
        activation = self._activations.get(address)
        if activation is None or activation.state is not ActivationState.SERVING:
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
        """
        while True:
            activation = self._activations.get(address)
            if activation is None:
                if not create and not self._engine.exists(address):
                    return None
                if len(self._activations) >= self._cap:
                    await self._make_room()
                    continue
                activation = Activation(self._kinds[address.kind], address)
                self._activations[address] = activation
                self._nursery.start_soon(partial(self._load, activation, create=create))
            if activation.state is ActivationState.SERVING:
                return self.find(address)
            await activation.moved()
            if activation.failure is not None:
                raise _told(address, activation.failure)

    async def _load(self, activation: Activation, *, create: bool) -> None:
        address = activation.address
        migrations: Migrations = activation.actor_class.migrations
        try:
            store = await self._engine.open(address, migrations, create=create)
            if store is not None:
                activation.loaded(store)
        except (sqlite3.Error, OSError) as error:
            log.error("actor cannot be loaded", actor=str(address), error=str(error))
            self._activations.pop(address)
            activation.break_off(ActivationEvent.LOAD_FAILED, error)
            return
        if store is None:
            # It was there a moment ago, and is gone: absent, as `activate` then finds.
            self._activations.pop(address)
            activation.advance(ActivationEvent.LOAD_FAILED)
            return
        self._on_loaded(activation)

    def drop(self, activation: Activation) -> None:
        """Forget a broken activation, and let go of its store once the gate has."""
        if self._activations.get(activation.address) is activation:
            del self._activations[activation.address]
        self._nursery.start_soon(self._discard, activation)

    async def _discard(self, activation: Activation) -> None:
        while activation.gated:
            await activation.ungated.park()
        await self._engine.discard(activation.store)
        self._room.unpark_all()

    async def _make_room(self) -> None:
        victims = self._idle_activations(PASSIVATION_BATCH)
        if victims:
            self._nursery.start_soon(self.passivate, victims)
            await self._room.park()
        else:
            with trio.move_on_after(ROOM_CHECK_SECONDS):
                await self._room.park()

    def _idle_activations(
        self, most: int, *, unused_since: float | None = None
    ) -> list[Activation]:
        victims: list[Activation] = []
        for activation in self._activations.values():
            if len(victims) == most:
                break
            if unused_since is not None and activation.last_used > unused_since:
                break
            if activation.idle:
                victims.append(activation)
        return victims

    async def passivate(self, victims: Sequence[Activation]) -> None:
        """Close idle activations; calls that arrive meanwhile wait, and load them anew."""
        closing = [victim for victim in victims if victim.idle]
        for activation in closing:
            activation.advance(ActivationEvent.PASSIVATED)
        wakes = [
            (activation.store, 0 if activation.outbox_pending else activation.alarm_at)
            for activation in closing
        ]
        try:
            await self._engine.close(wakes)
        except (sqlite3.Error, OSError) as error:
            log.error("actors could not be closed cleanly", error=str(error))
        for activation in closing:
            del self._activations[activation.address]
            activation.advance(ActivationEvent.CLOSED)
            self._on_closed(activation.address)
        self._room.unpark_all()

    async def sweep(self) -> None:
        """Passivate what has been idle for too long, for ever."""
        while True:
            await trio.sleep(self._idle_seconds / 4)
            unused_since = trio.current_time() - self._idle_seconds
            while victims := self._idle_activations(
                PASSIVATION_BATCH, unused_since=unused_since
            ):
                await self.passivate(victims)

    async def drain(self) -> None:
        """Passivate everything; waits for what is busy. The caller bounds the time."""
        while self._activations:
            if victims := self._idle_activations(PASSIVATION_BATCH):
                await self.passivate(victims)
            else:
                await trio.sleep(ROOM_CHECK_SECONDS)


def _told(address: Address, failure: BaseException) -> ActorError:
    """What a caller is told of a load that failed. A new error for each caller."""
    error: ActorError
    if isinstance(failure, sqlite3.Error) and (
        storage_fault(failure) in (Fault.DAMAGED, None)
    ):
        error = ActorBrokenError(f"{address}: its database cannot be used: {failure}")
    else:
        error = StorageError(f"{address}: the storage refused: {failure}")
    error.__cause__ = failure
    return error
