"""A call that is under way: what a test holds on to while it looks at other things."""

from collections.abc import Awaitable
from typing import Generic, TypeVar

import outcome
import trio

T_co = TypeVar("T_co", covariant=True)


class Caller(Generic[T_co]):
    """Waits for an answer in a task of its own.

    Attributes:
        cancelled: Whether `cancel` came before the answer.
    """

    def __init__(self, nursery: trio.Nursery, awaitable: Awaitable[T_co]) -> None:
        self._awaitable = awaitable
        self._scope = trio.CancelScope()
        self._answer: outcome.Value[T_co] | outcome.Error | None = None
        self._over = trio.Event()
        self.cancelled = False
        nursery.start_soon(self._wait)

    async def _wait(self) -> None:
        async def answer() -> T_co:
            return await self._awaitable

        with self._scope:
            self._answer = await outcome.acapture(answer)
            if isinstance(self._answer, outcome.Error) and isinstance(
                self._answer.error, trio.Cancelled
            ):
                raise self._answer.error
        self.cancelled = self._scope.cancelled_caught
        self._over.set()

    @property
    def answered(self) -> bool:
        """Whether the call is over."""
        return self._over.is_set()

    async def answer(self) -> T_co:
        """The answer, once it is there; raises what the call raised."""
        await self._over.wait()
        assert self._answer is not None
        assert not self.cancelled
        return self._answer.unwrap()

    async def cancel(self) -> None:
        """Cancel the call, and wait until it is over."""
        self._scope.cancel()
        await self._over.wait()
