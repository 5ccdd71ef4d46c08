"""The actor system of one process: from a reference's call to its durable reply."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from typing import TypeVar, cast

import structlog
import trio

from actor_oauth.runtime.absent import AbsentActors
from actor_oauth.runtime.activation import Activation
from actor_oauth.runtime.actor import Actor, Operation
from actor_oauth.runtime.address import Address
from actor_oauth.runtime.alarms import FIRE, Alarms
from actor_oauth.runtime.call import Call, UnstartedError
from actor_oauth.runtime.clock import Clock, SystemClock
from actor_oauth.runtime.deadlines import Deadlines
from actor_oauth.runtime.delivery import Deliveries
from actor_oauth.runtime.directory import Directory
from actor_oauth.runtime.dispatcher import Dispatcher
from actor_oauth.runtime.engine import Engine
from actor_oauth.runtime.errors import (
    ActorUsageError,
    OverloadedError,
    StoppedError,
)
from actor_oauth.runtime.gate import OutputGate
from actor_oauth.runtime.lifecycle import ActivationEvent, ActivationState
from actor_oauth.runtime.limits import RuntimeLimits
from actor_oauth.runtime.memory import Budget
from actor_oauth.runtime.outbox import LAST, WAITING
from actor_oauth.runtime.turn_watch import TurnWatch
from actor_oauth.runtime.waker import Waker

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

T = TypeVar("T", bound=Actor)


class ActorSystem:
    """Hands out references, and runs what they are asked. Made by `open_system`."""

    def __init__(
        self,
        engine: Engine,
        kinds: Iterable[type[Actor]],
        limits: RuntimeLimits,
        clock: Clock,
        nursery: trio.Nursery,
    ) -> None:
        self._kinds = _by_kind(kinds)
        self._limits = limits
        self._clock = clock
        self._stopping = False
        self._waiting = 0
        # A reference never changes, and each request asks for the same few.
        self._reference = lru_cache(maxsize=limits.max_activations)(self._refer)
        self._watch = trio.CancelScope()
        self._absent = {name: AbsentActors(kind) for name, kind in self._kinds.items()}
        self._directory = Directory(
            engine,
            self._kinds,
            limits,
            clock,
            nursery,
            on_loaded=self._note_effects,
            on_gone=self._forget,
        )
        self._alarms = Alarms(clock, self._fire, self._directory.__contains__, nursery)
        self._deliveries = Deliveries(
            self._kinds, self._run, nursery, cap=self._directory.cap
        )
        self._deadlines = Deadlines(limits.call_seconds)
        self._gate = OutputGate(engine, poison=self._poison)
        self._turns = TurnWatch()
        self._dispatcher = Dispatcher(
            self._gate,
            nursery,
            self._turns,
            on_effects=self._note_effects,
            on_broken=self._broken,
        )
        self._waker = Waker(engine, clock, self._visit, limits.poll_seconds)

    def get(self, actor_class: type[T], key: str) -> T:
        """A reference to an actor, which need not exist yet.

        Raises:
            ActorUsageError: If the class was not given to `open_system`.
            ValueError: If the key is not 1 to 64 characters of `[a-z0-9]`.
        """
        if self._kinds.get(actor_class.kind) is not actor_class:
            raise ActorUsageError(
                f"{actor_class.__name__} is not in this system's kinds"
            )
        return cast("T", self._reference(actor_class.kind, key))

    def _refer(self, kind: str, key: str) -> Actor:
        return self._kinds[kind](Address(kind, key), caller=self)

    async def delivered(self, actor: Actor) -> None:
        """Wait until what is in the actor's outbox now has been delivered durably.

        Raises:
            OverloadedError: If that takes longer than the call deadline; delivery goes on.
            ActorError: If the actor cannot be used.
        """
        with self._deadline("delivery takes longer than the deadline"):
            last = await self._run(actor.address, LAST)
            hurry = True
            while last is not None and await self._run(actor.address, WAITING, last):
                self._refuse_if_stopping()
                activation = await self._directory.activate(actor.address, create=False)
                assert activation is not None
                # The messages may be another process's, of which this one knows nothing.
                activation.outbox_pending = True
                self._deliveries.start(activation)
                await self._deliveries.attempted(activation, hurry=hurry)
                hurry = False

    @property
    def long_turns(self) -> int:
        """How many turns and views took long, so that all others waited."""
        return self._turns.long_turns

    @property
    def activations(self) -> int:
        """How many actors are in memory now."""
        return len(self._directory)

    @property
    def remembered(self) -> Budget:
        """What the answers that are remembered take, and how often they were of use."""
        return self._directory.budget

    async def call(
        self,
        actor: Actor,
        operation: Operation,
        args: tuple[object, ...],
        kwargs: Mapping[str, object],
    ) -> object:
        """Run an operation and wait until its reply may be given. See `Caller`.

        Cancelling it never stops a turn half-way and never undoes one (G4).

        Raises:
            ActorError: The runtime's faults; see `runtime.errors`.
            Exception: Whatever the turn itself raised; it was rolled back.
        """
        self._refuse_if_stopping()
        address = actor.address
        activation = self._directory.find(address)
        # The common cases by far: nothing to wait for but the answer, if even that.
        if activation is None:
            pass
        elif operation.reads_only:
            key = operation.memory_key(args, kwargs)
            known = None if key is None else activation.recall(key)
            if known is not None:
                return known
            call = Call(operation, args, kwargs)
            if self._dispatcher.read(activation, call):
                if not call.answered:
                    return await self._deadlines.reply(call)
                return activation.remembered(key, call.result())
        elif not self._is_crowded and activation.mailbox.reserve_nowait():
            call = Call(operation, args, kwargs)
            self._dispatcher.post(activation, call)
            try:
                return await self._deadlines.reply(call)
            except UnstartedError:
                pass
        return await self._bounded(address, operation, args, kwargs)

    @property
    def _callers(self) -> int:
        return self._waiting + len(self._deadlines)

    @property
    def _is_crowded(self) -> bool:
        return self._callers >= self._limits.max_waiting

    def _refuse_if_stopping(self) -> None:
        if self._stopping:
            raise StoppedError("the server is shutting down")

    async def _run(
        self, address: Address, operation: Operation, *args: object, **kwargs: object
    ) -> object:
        """The runtime's own calls, which go on while the system drains."""
        return await self._bounded(address, operation, args, kwargs)

    async def _bounded(
        self,
        address: Address,
        operation: Operation,
        args: tuple[object, ...],
        kwargs: Mapping[str, object],
    ) -> object:
        if self._is_crowded:
            raise OverloadedError("too many callers wait already")
        self._waiting += 1
        try:
            with trio.move_on_after(self._limits.call_seconds):
                return await self._attempt(address, operation, args, kwargs)
        finally:
            self._waiting -= 1
        raise OverloadedError(f"{address} did not get to {operation.name} in time")

    @contextmanager
    def _deadline(self, message: str) -> Iterator[None]:
        with trio.move_on_after(self._limits.call_seconds) as scope:
            yield
        if scope.cancelled_caught:
            raise OverloadedError(message)

    async def _attempt(
        self,
        address: Address,
        operation: Operation,
        args: tuple[object, ...],
        kwargs: Mapping[str, object],
    ) -> object:
        while True:
            activation = self._directory.find(address)
            if activation is None:
                activation = await self._directory.activate(
                    address, create=operation.creates
                )
            if activation is None:
                return self._absent[address.kind].run(address, operation, args, kwargs)
            call = Call(operation, args, kwargs)
            if operation.reads_only:
                if self._dispatcher.read(activation, call):
                    return await call.reply()
                await activation.store.wait(to_write=False)
            elif await activation.mailbox.reserve():
                self._dispatcher.post(activation, call)
                try:
                    return await call.reply()
                except UnstartedError:
                    continue

    def _note_effects(self, activation: Activation) -> None:
        self._alarms.schedule(activation.address, activation.alarm_at)
        self._deliveries.kick(activation)

    def _forget(self, address: Address) -> None:
        self._alarms.forget(address)

    def _poison(self, activation: Activation, failure: OSError) -> None:
        log.error(
            "the disk did not confirm a write; the actor is reloaded",
            actor=str(activation.address),
            error=str(failure),
        )
        if activation.state is ActivationState.SERVING:
            activation.break_off(ActivationEvent.SYNC_FAILED)
            self._directory.drop(activation)

    def _broken(self, activation: Activation, failure: Exception) -> None:
        log.error("actor stopped", actor=str(activation.address), error=str(failure))
        self._directory.drop(activation)

    async def _fire(self, address: Address) -> None:
        await self._run(address, FIRE, now=self._clock.now())

    async def _visit(self, address: Address) -> bool:
        if address.kind not in self._kinds:
            return False
        await self._fire(address)
        return True

    async def run(self) -> None:
        """The tasks that a system lives on. Cancelled when it closes."""
        with self._turns.looking():
            await self._run_tasks()

    async def _run_tasks(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._gate.run)
            nursery.start_soon(self._dispatcher.run)
            nursery.start_soon(self._deadlines.run)
            nursery.start_soon(self._directory.sweep)
            nursery.start_soon(self._directory.make_room)
            with self._watch:
                async with trio.open_nursery() as watch:
                    watch.start_soon(self._alarms.run)
                    watch.start_soon(self._waker.run)

    async def stop(self) -> None:
        """Take no new calls, finish what runs within the limit, close every store (G10)."""
        self._stopping = True
        # What they would wake now, the next process wakes.
        self._watch.cancel()
        self._deliveries.stop()
        with trio.move_on_after(self._limits.drain_seconds) as scope:
            await self._directory.drain(lambda: self._callers > 0)
        if scope.cancelled_caught:
            log.warning("stopped with actors still busy", busy=len(self._directory))

    def close(self) -> None:
        """Give everybody who still waits an answer; nothing runs after that."""
        self._stopping = True
        self._directory.close()
        self._gate.close()
        for absent in self._absent.values():
            absent.close()


def _by_kind(kinds: Iterable[type[Actor]]) -> dict[str, type[Actor]]:
    known: dict[str, type[Actor]] = {}
    for kind in kinds:
        if known.setdefault(kind.kind, kind) is not kind:
            raise ActorUsageError(f"two classes of actors are called {kind.kind!r}")
    return known


@asynccontextmanager
async def open_system(
    engine: Engine,
    kinds: Iterable[type[Actor]],
    *,
    limits: RuntimeLimits | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[ActorSystem]:
    """Run an actor system for as long as the block lasts.

    Leaving the block is an orderly shutdown, also when it is left by cancellation: what
    was answered is durable in any case, and what is in flight gets `drain_seconds`.

    Args:
        engine: Where the databases live.
        kinds: The actor classes that it serves.
        limits: Bounds; the defaults suit one server process.
        clock: Wall time for alarms.

    Raises:
        ActorUsageError: If two classes share a kind.
        OSError: If the storage refuses.
        sqlite3.Error: If the engine's own files are damaged.
    """
    async with engine.run(), trio.open_nursery() as outer:
        nursery: trio.Nursery = await outer.start(_hold_nursery)
        try:
            system = ActorSystem(
                engine,
                kinds,
                limits or RuntimeLimits(),
                clock or SystemClock(),
                nursery,
            )
            nursery.start_soon(system.run)
            try:
                yield system
            finally:
                await _shut_down(system, nursery)
        finally:
            nursery.cancel_scope.cancel()


async def _shut_down(system: ActorSystem, nursery: trio.Nursery) -> None:
    # Bounded by drain_seconds; without the shield a cancelled server would leave its
    # databases to crash recovery.
    with trio.CancelScope(shield=True):
        # After a crash of the runtime's own tasks there is nobody to finish anything.
        if not nursery.cancel_scope.cancel_called:
            await system.stop()
    system.close()


async def _hold_nursery(*, task_status: trio.TaskStatus[trio.Nursery]) -> None:
    """Keep a nursery that a cancellation from outside leaves alone, for the drain."""
    with trio.CancelScope(shield=True):
        async with trio.open_nursery() as nursery:
            task_status.started(nursery)
            await trio.sleep_forever()
