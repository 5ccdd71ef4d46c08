"""Single flight: concurrent callers share one piece of work.

The work runs in a task of its own: a caller may stop waiting without stopping it.
Nothing is remembered once it is done, neither a result nor a failure.
"""

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import trio

from actor_oauth.runtime import StoppedError

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Flight(Generic[V]):
    def __init__(self) -> None:
        self.landed = trio.Event()
        self.answers: list[V] = []
        self.fault: Exception = StoppedError("the server is shutting down")

    def result(self) -> V:
        if not self.answers:
            raise self.fault
        return self.answers[0]


class SingleFlight(Generic[K, V]):
    """Runs work once for each key at a time.

    Args:
        nursery: Owns the work.
    """

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._flights: dict[K, _Flight[V]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    async def run(self, key: K, work: Callable[[], Awaitable[V]]) -> V:
        """Wait for the work that runs for a key, and start it if none does.

        Cancelling the wait leaves the work running for the others.

        Raises:
            StoppedError: The nursery was cancelled before the work was done.
            Exception: Whatever the work raised, to everybody who waits.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight()
            self._nursery.start_soon(self._fly, key, flight, work)
        await flight.landed.wait()
        return flight.result()

    async def _fly(
        self, key: K, flight: _Flight[V], work: Callable[[], Awaitable[V]]
    ) -> None:
        try:
            flight.answers.append(await work())
        except Exception as fault:  # noqa: BLE001 - a task's root: handed to the waiters
            flight.fault = fault
        finally:
            del self._flights[key]
            flight.landed.set()
