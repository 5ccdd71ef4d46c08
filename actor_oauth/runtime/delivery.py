"""Delivers messages between actors, in order per pair (G9).

Reading the outbox is a view, so no message leaves before its turn is durable (G3). A
receiver that fails holds up what is sent to it, and nothing else: its messages are left
out of the batches for a while. A sender that only waits for such receivers may be
passivated.
"""

import json
from collections.abc import Awaitable, Collection, Mapping
from typing import Final, Protocol

import structlog
import trio

from actor_oauth.runtime.activation import REST_SECONDS, Activation
from actor_oauth.runtime.actor import Actor, Operation
from actor_oauth.runtime.address import Address
from actor_oauth.runtime.errors import describe
from actor_oauth.runtime.lifecycle import ActivationState
from actor_oauth.runtime.outbox import DELIVERED, PENDING, Message, receiving

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

CONCURRENT_SENDERS: Final = 16
CONCURRENT_TARGETS: Final = 16
FIRST_REST_SECONDS: Final = 0.25


class Run(Protocol):
    """Runs an operation of an actor and waits for its durable reply."""

    def __call__(
        self, address: Address, operation: Operation, /, *args: object
    ) -> Awaitable[object]:
        """Run it."""
        ...


class Failing:
    """Receivers that have failed, and for how long each is left alone."""

    def __init__(self) -> None:
        self._until: dict[Address, float] = {}
        self._rest: dict[Address, float] = {}

    def __bool__(self) -> bool:
        return bool(self._until)

    def failed(self, address: Address) -> None:
        """Leave a receiver alone, twice as long as the last time."""
        rest = self._rest.get(address, FIRST_REST_SECONDS / 2) * 2
        self._rest[address] = min(rest, REST_SECONDS)
        self._until[address] = trio.current_time() + self._rest[address]

    def resting(self) -> list[Address]:
        """Whom to leave alone now."""
        now = trio.current_time()
        return [address for address, until in self._until.items() if until > now]

    def keep(self, addresses: Collection[Address]) -> None:
        """Forget all but these."""
        self._until = {address: self._until[address] for address in addresses}
        self._rest = {address: self._rest[address] for address in addresses}

    def hurry(self) -> None:
        """Try every one again."""
        self._until = dict.fromkeys(self._until, 0.0)

    def seconds(self) -> float:
        """Until when the first of them rests."""
        return max(0.0, min(self._until.values()) - trio.current_time())


class Delivery:
    """What the delivery task of one activation shares with those who wait for it."""

    __slots__ = ("attempted", "failing")

    def __init__(self) -> None:
        self.failing = Failing()
        self.attempted = trio.Event()


class Deliveries:
    """A delivery task for each activation with messages to deliver.

    Args:
        kinds: The actor classes, by kind.
        run: Runs an operation of an actor and waits for its durable reply.
        nursery: Where delivery runs.
        cap: How many activations there may be. Senders stay in memory while their
            receivers are brought there, so they must leave room.
    """

    def __init__(
        self,
        kinds: Mapping[str, type[Actor]],
        run: Run,
        nursery: trio.Nursery,
        *,
        cap: int,
    ) -> None:
        self._kinds = kinds
        self._run = run
        self._nursery = nursery
        self._senders = trio.CapacityLimiter(min(CONCURRENT_SENDERS, cap // 2))
        self._deliveries: dict[Activation, Delivery] = {}
        self._stopping = False

    def __len__(self) -> int:
        """How many delivery tasks there are."""
        return len(self._deliveries)

    def stop(self) -> None:
        """Finish the batches on their way, and begin no more."""
        self._stopping = True
        for activation in self._deliveries:
            activation.roused.set()

    def kick(self, activation: Activation) -> None:
        """Deliver what the activation has to deliver, without finishing a pause."""
        activation.roused.set()
        self.start(activation)

    def start(self, activation: Activation) -> None:
        """Deliver what the activation has to deliver, if nobody does it yet."""
        if (
            activation.outbox_pending
            and activation not in self._deliveries
            and not self._stopping
        ):
            self._deliveries[activation] = Delivery()
            self._nursery.start_soon(self._deliver, activation)

    async def attempted(self, activation: Activation, *, hurry: bool) -> None:
        """Wait until delivery, if it is at work, has done what it could for now.

        Args:
            activation: Whose messages.
            hurry: Whether to try receivers that have failed before their time.
        """
        delivery = self._deliveries.get(activation)
        if delivery is None:
            return
        if hurry:
            delivery.failing.hurry()
            activation.roused.set()
        await delivery.attempted.wait()

    async def _deliver(self, activation: Activation) -> None:
        delivery = self._deliveries[activation]
        try:
            while self._is_due(activation):
                async with self._senders:
                    await self._attempt(activation, delivery.failing)
                delivery.attempted.set()
                delivery.attempted = trio.Event()
                if delivery.failing:
                    await self._rest(activation, delivery.failing.seconds())
        finally:
            del self._deliveries[activation]
            delivery.attempted.set()

    def _is_due(self, activation: Activation) -> bool:
        return (
            activation.outbox_pending
            and activation.state is ActivationState.SERVING
            and not self._stopping
        )

    async def _rest(self, activation: Activation, seconds: float) -> None:
        """Pause until something new is sent, or the activation ends."""
        activation.roused = trio.Event()
        activation.resting = True
        with trio.move_on_after(seconds):
            await activation.roused.wait()
        activation.resting = False

    async def _attempt(self, activation: Activation, failing: Failing) -> None:
        """Deliver everything to everyone who receives."""
        activation.delivering = True
        try:
            while self._is_due(activation):
                await self._deliver_batch(activation, failing)
        except Exception as error:  # noqa: BLE001 - the root of this task
            activation.outbox_pending = True
            failing.failed(activation.address)
            log.warning(
                "delivery postponed",
                actor=str(activation.address),
                error=describe(error),
            )
        else:
            activation.outbox_pending = activation.outbox_pending or bool(failing)
        finally:
            activation.delivering = False

    async def _deliver_batch(self, activation: Activation, failing: Failing) -> None:
        # A turn that sends meanwhile says so again.
        activation.outbox_pending = False
        resting = failing.resting()
        messages = await self._run(activation.address, PENDING, resting)
        assert isinstance(messages, list)
        if not messages:
            failing.keep(resting)
            return
        done: list[int] = []
        await self._deliver_to_each(activation.address, messages, done, failing)
        if done:
            await self._run(activation.address, DELIVERED, done)
        activation.outbox_pending = True

    async def _deliver_to_each(
        self,
        source: Address,
        messages: list[Message],
        done: list[int],
        failing: Failing,
    ) -> None:
        by_target: dict[Address, list[Message]] = {}
        for message in messages:
            by_target.setdefault(message.target, []).append(message)
        limiter = trio.CapacityLimiter(CONCURRENT_TARGETS)

        async def deliver(target: Address, queue: list[Message]) -> None:
            async with limiter:
                if not await self._deliver_in_order(source, target, queue, done):
                    failing.failed(target)

        async with trio.open_nursery() as nursery:
            for target, queue in by_target.items():
                nursery.start_soon(deliver, target, queue)

    async def _deliver_in_order(
        self, source: Address, target: Address, queue: list[Message], done: list[int]
    ) -> bool:
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
                    error=describe(error),
                )
                return False
            done.append(message.seq)
        return True
