"""Ends the waits for answers that take too long (G5): one task looks, for all callers.

A cancel scope for each call costs more than finding the actor does. Here a call's caller
waits for the answer alone, and all have the same time, so that they come due in the order
in which they began to wait.
"""

import outcome
import trio

from actor_oauth.runtime.call import Call
from actor_oauth.runtime.errors import OverloadedError


class Deadlines:
    """The calls that are waited for, and until when.

    Args:
        seconds: For which one is waited for.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: dict[Call, float] = {}

    def __len__(self) -> int:
        """How many calls are waited for."""
        return len(self._due)

    async def reply(self, call: Call) -> object:
        """Wait for an answer that is not there; if cancelled or late, the call is abandoned.

        Raises:
            OverloadedError: It took too long.
            BaseException: What the turn raised.
        """
        self._due[call] = trio.current_time() + self._seconds
        try:
            return await call.reply()
        finally:
            self._due.pop(call, None)

    async def run(self) -> None:
        """End waits, for ever."""
        while True:
            now = trio.current_time()
            # Whoever begins to wait while this sleeps comes due after it has woken.
            await trio.sleep_until(next(iter(self._due.values()), now + self._seconds))
            now = trio.current_time()
            for call in [call for call, due in self._due.items() if due <= now]:
                told = f"{call.operation.name} waits too long for its turn, or the disk"
                call.give_up(outcome.Error(OverloadedError(told)))
