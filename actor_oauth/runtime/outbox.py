"""Delivers messages between actors: at least once, run once, in order per pair (G9).

A message is a row in the sender's database, written by the turn that sends it. Delivery
runs the receiver's turn, in whose transaction the receiver notes the message's number;
only then is the row deleted. A crash in between delivers again, and the receiver, seeing
a number that it has, does nothing.
"""

import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog
import trio

from actor_oauth.runtime.activation import Activation
from actor_oauth.runtime.actor import Actor, Operation
from actor_oauth.runtime.address import Address
from actor_oauth.runtime.lifecycle import ActivationState

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

BATCH = 256
CONCURRENT_TARGETS = 16
FIRST_RETRY_SECONDS = 0.25
LAST_RETRY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Message:
    """A row of the outbox."""

    seq: int
    target: Address
    turn_name: str
    payload: str


def _pending(actor: Actor) -> list[Message]:
    rows: list[tuple[int, str, str, str]] = actor.db.execute(
        "SELECT seq, target, turn, payload FROM _outbox ORDER BY seq LIMIT ?", (BATCH,)
    ).fetchall()
    return [Message(seq, Address.parse(target), *rest) for seq, target, *rest in rows]


def _delivered(actor: Actor, seqs: list[int]) -> bool:
    actor.db.executemany("DELETE FROM _outbox WHERE seq = ?", [(seq,) for seq in seqs])
    return actor.db.execute("SELECT 1 FROM _outbox LIMIT 1").fetchone() is not None


PENDING = Operation("pending", _pending, reads_only=True)
DELIVERED = Operation("delivered", _delivered)


def receiving(operation: Operation) -> Operation:
    """The operation that runs another one for a message, unless it has been received."""

    def receive(
        actor: Actor, source: str, seq: int, payload: Mapping[str, object]
    ) -> None:
        row: tuple[int] | None = actor.db.execute(
            "SELECT seq FROM _inbox WHERE source = ?", (source,)
        ).fetchone()
        if row is not None and row[0] >= seq:
            return
        operation.body(actor, **payload)
        actor.db.execute("INSERT OR REPLACE INTO _inbox VALUES (?, ?)", (source, seq))

    return Operation(operation.name, receive, creates=operation.creates)


class Run(Protocol):
    """Runs an operation of an actor and waits for its durable reply."""

    def __call__(
        self, address: Address, operation: Operation, /, *args: object
    ) -> Awaitable[object]:
        """Run it."""
        ...


class Outbox:
    """Starts a delivery task for each activation with messages to deliver.

    Args:
        kinds: The actor classes, by kind.
        run: Runs an operation of an actor and waits for its durable reply.
        nursery: Where delivery runs.
    """

    def __init__(
        self,
        kinds: Mapping[str, type[Actor]],
        run: Run,
        nursery: trio.Nursery,
    ) -> None:
        self._kinds = kinds
        self._run = run
        self._nursery = nursery
        self._settled: dict[Activation, trio.lowlevel.ParkingLot] = {}
        self.stopping = False

    def kick(self, activation: Activation) -> None:
        """Deliver what the activation has to deliver, if nobody does it yet."""
        if activation.outbox_pending and not activation.delivering:
            activation.delivering = True
            self._nursery.start_soon(self._deliver, activation)

    async def settled(self, activation: Activation) -> None:
        """Wait until the delivery task at work has done what it could."""
        if activation.delivering:
            lot = self._settled.setdefault(activation, trio.lowlevel.ParkingLot())
            await lot.park()

    async def _deliver(self, activation: Activation) -> None:
        pause = FIRST_RETRY_SECONDS
        try:
            while activation.state is ActivationState.SERVING:
                progress = await self._deliver_batch(activation.address, activation)
                if not activation.outbox_pending:
                    return
                if progress:
                    pause = FIRST_RETRY_SECONDS
                elif self.stopping:
                    return
                else:
                    await trio.sleep(pause)
                    pause = min(pause * 2, LAST_RETRY_SECONDS)
        finally:
            activation.delivering = False
            lot = self._settled.pop(activation, None)
            if lot is not None:
                lot.unpark_all()

    async def _deliver_batch(self, address: Address, activation: Activation) -> bool:
        """Deliver what waits now; whether anything could be."""
        done: list[int] = []
        sends = activation.sends
        try:
            messages = await self._run(address, PENDING)
            assert isinstance(messages, list)
            await self._deliver_to_all(address, messages, done)
            more = await self._run(address, DELIVERED, done)
        except Exception as error:  # noqa: BLE001 - the root of this task
            log.warning("delivery put off", actor=str(address), error=repr(error))
            return False
        # What another turn sent while this waited may not have been among `messages`.
        activation.outbox_pending = bool(more) or activation.sends != sends
        return bool(done)

    async def _deliver_to_all(
        self, source: Address, messages: list[Message], done: list[int]
    ) -> None:
        by_target: dict[Address, list[Message]] = {}
        for message in messages:
            by_target.setdefault(message.target, []).append(message)
        limiter = trio.CapacityLimiter(CONCURRENT_TARGETS)
        async with trio.open_nursery() as nursery:
            for target, queue in by_target.items():
                nursery.start_soon(
                    self._deliver_in_order, source, target, queue, done, limiter
                )

    async def _deliver_in_order(
        self,
        source: Address,
        target: Address,
        queue: list[Message],
        done: list[int],
        limiter: trio.CapacityLimiter,
    ) -> None:
        async with limiter:
            for message in queue:
                try:
                    operation = self._kinds[target.kind].operations[message.turn_name]
                    await self._run(
                        target,
                        receiving(operation),
                        str(source),
                        message.seq,
                        json.loads(message.payload),
                    )
                except Exception as error:  # noqa: BLE001 - a receiver's fault stays its own
                    log.warning(
                        "message not received, will be sent again",
                        source=str(source),
                        target=str(target),
                        turn=message.turn_name,
                        error=repr(error),
                    )
                    return
                done.append(message.seq)
