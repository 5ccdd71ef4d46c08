"""Wakes actors that nobody has in memory, from the engine's index.

Visiting an actor fires its alarm if that is due, and starts the delivery of its messages.
From then on this process looks after it, and the entry of the index is forgotten.
"""

from collections.abc import Awaitable, Callable

import structlog
import trio

from actor_oauth.runtime.address import Address
from actor_oauth.runtime.clock import Clock
from actor_oauth.runtime.engine import WAKES_AT_ONCE, Engine, Wake
from actor_oauth.runtime.errors import describe

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

CONCURRENT_VISITS = 16
# An actor that cannot be visited must not stand in the way of the others that are due.
PUT_OFF_SECONDS = 60


class Waker:
    """The task that wakes actors.

    Args:
        engine: Knows who is to be woken.
        clock: Wall time.
        visit: Activates an actor, fires its alarm if that is due, and starts delivering
            its messages. False if its kind is not served here.
        poll_seconds: How often to look.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        visit: Callable[[Address], Awaitable[bool]],
        poll_seconds: float,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._visit = visit
        self._poll_seconds = poll_seconds

    async def run(self) -> None:
        """Look, wake, and look again, for ever."""
        while True:
            try:
                more = await self._wake_some()
            except Exception as error:  # noqa: BLE001 - the root of this task
                log.error("the index of alarms cannot be used", error=describe(error))
                more = False
            if not more:
                await trio.sleep(self._poll_seconds)

    async def _wake_some(self) -> bool:
        """Wake actors that are due; whether there may be more."""
        wakes = await self._engine.due_wakes(self._clock.now())
        served: list[Wake] = []
        put_off: list[Wake] = []
        limiter = trio.CapacityLimiter(CONCURRENT_VISITS)

        async def serve(wake: Wake) -> None:
            async with limiter:
                done = await self._serve(wake)
            (served if done else put_off).append(wake)

        async with trio.open_nursery() as nursery:
            for wake in wakes:
                nursery.start_soon(serve, wake)
        await self._engine.forget_wakes(served)
        await self._engine.put_off_wakes(put_off, self._clock.now() + PUT_OFF_SECONDS)
        return len(wakes) >= WAKES_AT_ONCE

    async def _serve(self, wake: Wake) -> bool:
        try:
            return await self._visit(wake.address)
        except Exception as error:  # noqa: BLE001 - that actor's fault stays its own
            log.warning(
                "wake-up postponed", actor=str(wake.address), error=describe(error)
            )
            return False
