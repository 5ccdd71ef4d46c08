"""Fires alarms: of the actors in memory from a heap, of the others from the engine's index.

The alarm itself is a row in the actor's database; what is here only knows when to look.
Firing is a turn that finds the row due, clears it and calls `on_alarm`, so that looking
twice, or in two processes, fires once (G8).
"""

import heapq
import itertools
from collections.abc import Awaitable, Callable

import structlog
import trio

from actor_oauth.runtime.actor import Actor, Operation
from actor_oauth.runtime.address import Address
from actor_oauth.runtime.clock import Clock
from actor_oauth.runtime.engine import Engine, Wake
from actor_oauth.runtime.errors import ActorError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

FIRST_RETRY_SECONDS = 2
LAST_RETRY_SECONDS = 60


def _fire(actor: Actor, *, now: int) -> int | None:
    due = actor.get_alarm()
    if due is not None and due <= now:
        actor.set_alarm(None)
        actor.on_alarm(now=now)
    return actor.get_alarm()


FIRE = Operation("on_alarm", _fire)


class Alarms:
    """The task that fires alarms.

    Args:
        clock: Wall time.
        fire: Runs `FIRE` as a turn of an actor, and returns its durable answer.
        nursery: For the turns.
    """

    def __init__(
        self,
        clock: Clock,
        fire: Callable[[Address], Awaitable[int | None]],
        nursery: trio.Nursery,
    ) -> None:
        self._clock = clock
        self._fire = fire
        self._nursery = nursery
        self._heap: list[tuple[int, int, Address]] = []
        self._number = itertools.count()
        self._sooner = trio.Event()
        self._scheduled: dict[Address, int] = {}
        self._retry: dict[Address, int] = {}

    def schedule(self, address: Address, at: int | None) -> None:
        """Look at this actor's alarm at that time (seconds), instead of any other time."""
        if at is None or self._scheduled.get(address) == at:
            return
        self._scheduled[address] = at
        heapq.heappush(self._heap, (at, next(self._number), address))
        if self._heap[0][2] == address:
            self._sooner.set()

    def schedule_soon(self, address: Address) -> None:
        """Look after an actor that broke off in the middle of its duties."""
        self.schedule(address, self._clock.now() + FIRST_RETRY_SECONDS)

    def forget(self, address: Address) -> None:
        """Leave a passivated actor's alarm to the engine's index."""
        self._scheduled.pop(address, None)
        if len(self._heap) > 2 * len(self._scheduled) + 64:
            self._heap = [
                entry
                for entry in self._heap
                if self._scheduled.get(entry[2]) == entry[0]
            ]
            heapq.heapify(self._heap)

    async def run(self) -> None:
        """Fire alarms, for ever."""
        while True:
            self._sooner = trio.Event()
            wait = float("inf")
            if self._heap:
                wait = max(0.0, self._heap[0][0] - self._clock.now())
            with trio.move_on_after(wait):
                await self._sooner.wait()
            while self._heap and self._heap[0][0] <= self._clock.now():
                at, _, address = heapq.heappop(self._heap)
                if self._scheduled.get(address) == at:
                    del self._scheduled[address]
                    self._nursery.start_soon(self._attempt, address)

    async def _attempt(self, address: Address) -> None:
        try:
            at = await self._fire(address)
        except Exception as error:  # noqa: BLE001 - the root of this task
            again = min(
                self._retry.get(address, FIRST_RETRY_SECONDS // 2) * 2,
                LAST_RETRY_SECONDS,
            )
            self._retry[address] = again
            log.error(
                "alarm failed and will be tried again",
                actor=str(address),
                error=repr(error),
                seconds=again,
            )
            self.schedule(address, self._clock.now() + again)
        else:
            self._retry.pop(address, None)
            self.schedule(address, at)


class Waker:
    """The task that wakes actors which nobody has in memory.

    Args:
        engine: Knows who is to be woken.
        clock: Wall time.
        visit: Activates an actor, fires its alarm if that is due, and starts delivering
            its messages.
        poll_seconds: How often to look.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        visit: Callable[[Address], Awaitable[None]],
        poll_seconds: float,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._visit = visit
        self._poll_seconds = poll_seconds

    async def run(self) -> None:
        """Look, wake, and look again, for ever."""
        while True:
            for wake in await self._due():
                await self._serve(wake)
            await trio.sleep(self._poll_seconds)

    async def _due(self) -> list[Wake]:
        try:
            return list(await self._engine.due_wakes(self._clock.now()))
        except Exception as error:  # noqa: BLE001 - the root of this task
            log.error("the index of alarms cannot be read", error=repr(error))
            return []

    async def _serve(self, wake: Wake) -> None:
        try:
            await self._visit(wake.address)
            await self._engine.forget_wakes([wake])
        except ActorError as error:
            log.warning("wake-up put off", actor=str(wake.address), error=str(error))
        except Exception as error:  # noqa: BLE001 - the root of this task
            log.error("wake-up failed", actor=str(wake.address), error=repr(error))
