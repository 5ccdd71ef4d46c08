"""The calls that wait for an actor: first in, first out, and bounded (G5, G6).

Whoever finds it full waits in line. A place that becomes free is promised to the first in
line, so that a newcomer cannot take it, and nobody in line is ever forgotten: while
anyone waits, the mailbox holds a call or has promised a place.
"""

from collections import deque

import trio

from actor_oauth.runtime.call import Call


class Mailbox:
    """Calls waiting to be run.

    Args:
        size: How many it holds.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._calls: deque[Call] = deque()
        self._line = trio.lowlevel.ParkingLot()
        self._promised = 0
        self._closed = False

    def __bool__(self) -> bool:
        """Whether a call is here or about to come."""
        return bool(self._calls) or self._promised > 0

    def __len__(self) -> int:
        """How many calls wait to be run."""
        return len(self._calls)

    def reserve_nowait(self) -> bool:
        """Take a place, as `reserve` does, if there is one."""
        if self._closed or len(self._calls) + self._promised >= self._size:
            return False
        self._promised += 1
        return True

    async def reserve(self) -> bool:
        """Wait for a place, which the caller must then `put` its call into at once.

        Cancelling it gives up the place in line.

        Returns:
            False if the mailbox was closed: the call belongs into another activation's.
        """
        if self._closed:
            return False
        if self.reserve_nowait():
            return True
        await self._line.park()
        return not self._closed

    def put(self, call: Call) -> None:
        """Put a call into the place that was reserved for it."""
        self._promised -= 1
        self._calls.append(call)

    def take(self) -> Call:
        """Take the call that has waited longest. Its place stays taken until `taken`."""
        return self._calls.popleft()

    def put_back(self, call: Call) -> None:
        """Undo `take`."""
        self._calls.appendleft(call)

    def taken(self) -> None:
        """Free the place of the call that was taken, for the first in line."""
        if self._line:
            self._promised += 1
            self._line.unpark()

    def close(self) -> list[Call]:
        """Send those in line away, and give the calls that were not run."""
        self._closed = True
        self._line.unpark_all()
        calls = list(self._calls)
        self._calls.clear()
        return calls
