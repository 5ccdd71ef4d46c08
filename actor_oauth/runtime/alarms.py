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
from actor_oauth.runtime.errors import describe

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

FIRST_RETRY_SECONDS = 2
LAST_RETRY_SECONDS = 60
# The clock may be set, or the machine sleep, while this process waits for an alarm.
LONGEST_WAIT_SECONDS = 60.0


def _fire(actor: Actor, *, now: int) -> None:
    due = actor.get_alarm()
    if due is not None and due <= now:
        actor.set_alarm(None)
        try:
            actor.on_alarm(now=now)
        except BaseException:
            actor.context.alarm_failed()
            raise
    actor.context.look()


FIRE = Operation("on_alarm", _fire)
"""Fires the alarm if it is due, and looks what other processes have left to be done."""


class Alarms:
    """The task that fires the alarms of actors in memory.

    Args:
        clock: Wall time.
        fire: Runs `FIRE` as a turn of an actor and waits until that is durable.
        in_memory: Whether an actor is; the engine's index looks after the others.
        nursery: For the turns.
    """

    def __init__(
        self,
        clock: Clock,
        fire: Callable[[Address], Awaitable[None]],
        in_memory: Callable[[Address], bool],
        nursery: trio.Nursery,
    ) -> None:
        self._clock = clock
        self._fire = fire
        self._in_memory = in_memory
        self._nursery = nursery
        self._heap: list[tuple[int, int, Address]] = []
        self._number = itertools.count()
        self._sooner = trio.Event()
        self._scheduled: dict[Address, int] = {}
        self._retry: dict[Address, int] = {}

    def __len__(self) -> int:
        """How many entries are held for all actors."""
        return len(self._heap) + len(self._scheduled) + len(self._retry)

    def schedule(self, address: Address, at: int | None) -> None:
        """Look at this actor's alarm at that time (seconds), instead of any other time."""
        if self._scheduled.get(address) == at:
            return
        if at is None:
            del self._scheduled[address]
            return
        self._scheduled[address] = at
        entry = (at, next(self._number), address)
        heapq.heappush(self._heap, entry)
        if self._heap[0] is entry:
            self._sooner.set()
        self._compact()

    def forget(self, address: Address) -> None:
        """Leave the alarm of an actor that is not in memory to the engine's index."""
        self._scheduled.pop(address, None)
        self._retry.pop(address, None)
        self._compact()

    def _compact(self) -> None:
        if len(self._heap) <= 2 * len(self._scheduled) + 64:
            return
        self._heap = [
            entry for entry in self._heap if self._scheduled.get(entry[2]) == entry[0]
        ]
        heapq.heapify(self._heap)

    async def run(self) -> None:
        """Fire alarms, for ever."""
        while True:
            self._sooner = trio.Event()
            wait = LONGEST_WAIT_SECONDS
            if self._heap:
                wait = min(wait, max(0, self._heap[0][0] - self._clock.now()))
            with trio.move_on_after(wait):
                await self._sooner.wait()
            while self._heap and self._heap[0][0] <= self._clock.now():
                at, _, address = heapq.heappop(self._heap)
                if self._scheduled.get(address) == at:
                    del self._scheduled[address]
                    self._nursery.start_soon(self._attempt, address)

    async def _attempt(self, address: Address) -> None:
        try:
            await self._fire(address)
        except Exception as error:  # noqa: BLE001 - the root of this task
            again = min(
                self._retry.get(address, FIRST_RETRY_SECONDS // 2) * 2,
                LAST_RETRY_SECONDS,
            )
            log.error(
                "alarm failed and will be tried again",
                actor=str(address),
                error=describe(error),
                seconds=again,
            )
            # A turn may have moved it meanwhile.
            if self._in_memory(address) and address not in self._scheduled:
                self._retry[address] = again
                self.schedule(address, self._clock.now() + again)
        else:
            self._retry.pop(address, None)
