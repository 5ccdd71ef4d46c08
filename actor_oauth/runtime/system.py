"""The actor system of one process: from a reference's call to its durable reply."""

import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

import outcome
import structlog
import trio

from actor_oauth.runtime.activation import AbsentTurn, Activation
from actor_oauth.runtime.actor import Actor, Operation
from actor_oauth.runtime.address import Address
from actor_oauth.runtime.alarms import FIRE, Alarms, Waker
from actor_oauth.runtime.call import Call, UnstartedError
from actor_oauth.runtime.clock import Clock, SystemClock
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
from actor_oauth.runtime.outbox import Outbox
from actor_oauth.runtime.schema import empty_image, open_image, steps

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
        self._kinds = {kind.kind: kind for kind in kinds}
        self._limits = limits
        self._clock = clock
        self._stopping = False
        self._waiting = 0
        self._empty = {
            name: empty_image(kind.migrations, steps(kind.migrations))
            for name, kind in self._kinds.items()
        }
        self._alarms = Alarms(clock, self._fire, nursery)
        self._outbox = Outbox(self._kinds, self._run, nursery)
        self._directory = Directory(
            engine,
            self._kinds,
            limits,
            nursery,
            on_loaded=self._note_effects,
            on_closed=self._alarms.forget,
        )
        self._gate = OutputGate(
            engine, poison=self._poison, on_durable=self._outbox.kick
        )
        self._dispatcher = Dispatcher(
            self._gate,
            nursery,
            on_committed=self._note_alarm,
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
        return actor_class(Address(actor_class.kind, key), caller=self)

    async def delivered(self, actor: Actor) -> None:
        """Wait until everything in the actor's outbox has been delivered durably.

        Raises:
            OverloadedError: If that takes longer than the call deadline; delivery goes on.
        """
        with self._deadline("delivery takes longer than the deadline"):
            while True:
                activation = await self._directory.activate(actor.address, create=False)
                if activation is None or not activation.outbox_pending:
                    return
                self._outbox.kick(activation)
                await self._outbox.settled(activation)

    @property
    def activations(self) -> int:
        """How many actors are in memory now."""
        return len(self._directory)

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
        if self._stopping:
            raise StoppedError("the server is shutting down")
        address = actor.address
        if operation.reads_only:
            activation = self._directory.find(address)
            if activation is not None:
                call = Call(operation, args, kwargs)
                if self._view(activation, call):
                    # The common case by far, and so without deadline or checkpoint.
                    return call.result() if call.answered else await self._reply(call)
        return await self._bounded(address, operation, args, kwargs)

    async def _reply(self, call: Call) -> object:
        with self._deadline(f"{call.operation.name} waits for the disk"):
            return await call.reply()

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
        if self._waiting >= self._limits.max_waiting:
            raise OverloadedError("too many callers wait already")
        self._waiting += 1
        try:
            with self._deadline(f"{address} did not get to {operation.name} in time"):
                return await self._attempt(address, operation, args, kwargs)
        finally:
            self._waiting -= 1

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
                return self._run_on_nothing(address, operation, args, kwargs)
            call = Call(operation, args, kwargs)
            if operation.reads_only:
                if not self._view(activation, call):
                    await activation.store.wait()
                    continue
                return await call.reply()
            if len(activation.mailbox) >= self._limits.mailbox_size:
                await activation.room.park()
                continue
            self._dispatcher.post(activation, call)
            try:
                return await call.reply()
            except UnstartedError:
                continue

    def _view(self, activation: Activation, call: Call) -> bool:
        """Read now, between turns; False if the store cannot be read at this moment."""
        store = activation.store
        try:
            if not store.begin_view():
                return False
        except sqlite3.Error as error:
            self._dispatcher.view_failed(activation, call, error)
            return True
        try:
            value = call.operation.body(activation.actor, *call.args, **call.kwargs)
        except sqlite3.Error as error:
            store.rollback()
            self._dispatcher.view_failed(activation, call, error)
        except BaseException:
            store.rollback()
            raise
        else:
            needs_sync = store.end_view()
            pass_on = self._gate.hold if needs_sync else self._gate.release
            pass_on(activation, call, outcome.Value(value))
        return True

    def _run_on_nothing(
        self,
        address: Address,
        operation: Operation,
        args: tuple[object, ...],
        kwargs: Mapping[str, object],
    ) -> object:
        """An absent actor answers as an empty one, and stays absent."""
        actor_class = self._kinds[address.kind]
        db = open_image(self._empty[address.kind])
        try:
            actor = actor_class(address, context=AbsentTurn(db))
            value = operation.body(actor, *args, **kwargs)
            if db.total_changes:
                raise ActorUsageError(
                    f"{operation.name} writes to {address}, which does not exist:"
                    " mark the turn with creates=True"
                )
            return value
        finally:
            db.close()

    def _note_alarm(self, activation: Activation) -> None:
        self._alarms.schedule(activation.address, activation.alarm_at)

    def _note_effects(self, activation: Activation) -> None:
        self._note_alarm(activation)
        self._outbox.kick(activation)

    def _poison(self, activation: Activation, failure: OSError) -> None:
        log.error(
            "the disk did not confirm a write; the actor is read anew",
            actor=str(activation.address),
            error=str(failure),
        )
        if activation.state is ActivationState.SERVING:
            activation.break_off(ActivationEvent.SYNC_FAILED, failure)
            self._let_go(activation)

    def _broken(self, activation: Activation, failure: BaseException) -> None:
        log.error("actor stopped", actor=str(activation.address), error=str(failure))
        self._let_go(activation)

    def _let_go(self, activation: Activation) -> None:
        self._directory.drop(activation)
        # It may have been about to fire an alarm or deliver messages.
        if activation.outbox_pending or activation.alarm_at is not None:
            self._alarms.schedule_soon(activation.address)

    async def _fire(self, address: Address) -> int | None:
        at = await self._run(address, FIRE, now=self._clock.now())
        assert at is None or isinstance(at, int)
        return at

    async def _visit(self, address: Address) -> None:
        """Activate, fire the alarm if due; loading starts the delivery of messages."""
        if address.kind in self._kinds:
            await self._fire(address)

    async def run(self) -> None:
        """The tasks that a system lives on. Cancelled when it closes."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._gate.run)
            nursery.start_soon(self._dispatcher.run)
            nursery.start_soon(self._alarms.run)
            nursery.start_soon(self._waker.run)
            nursery.start_soon(self._directory.sweep)

    async def stop(self) -> None:
        """Take no new calls, finish what runs within the limit, close every store (G10)."""
        self._stopping = True
        self._outbox.stopping = True
        with trio.move_on_after(self._limits.drain_seconds) as scope:
            await self._directory.drain()
        if scope.cancelled_caught:
            log.warning("stopped with actors still busy", busy=len(self._directory))


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
    """
    async with engine.run(), trio.open_nursery() as outer:
        nursery: trio.Nursery = await outer.start(_hold_nursery)
        system = ActorSystem(
            engine, kinds, limits or RuntimeLimits(), clock or SystemClock(), nursery
        )
        nursery.start_soon(system.run)
        try:
            yield system
        finally:
            # Bounded by drain_seconds; without the shield a cancelled server would leave
            # its databases to crash recovery.
            with trio.CancelScope(shield=True):
                await system.stop()
            nursery.cancel_scope.cancel()


async def _hold_nursery(*, task_status: trio.TaskStatus[trio.Nursery]) -> None:
    """Keep a nursery that a cancellation from outside leaves alone, for the drain."""
    with trio.CancelScope(shield=True):
        async with trio.open_nursery() as nursery:
            task_status.started(nursery)
            await trio.sleep_forever()
