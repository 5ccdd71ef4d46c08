"""Wall time as whole seconds. The only module that reads the wall clock."""

import time
from typing import Protocol

import trio


class Clock(Protocol):
    """Tells the time, in whole seconds since 1970 (UTC), never going backwards."""

    def now(self) -> int:
        """The time now."""
        ...


class SystemClock:
    """The machine's wall clock, held still while the machine sets it back.

    An expired token must not come back to life because NTP stepped the clock (K-13).
    """

    def __init__(self) -> None:
        self._latest = 0

    def now(self) -> int:
        """The time now, in seconds; at least every earlier answer."""
        self._latest = max(self._latest, int(time.time()))
        return self._latest


class TrioClock:
    """Wall time that follows Trio's clock, so that tests can let hours pass.

    Args:
        start: What `now` answers when the clock is made, in seconds.
    """

    def __init__(self, start: int = 1_700_000_000) -> None:
        self._start = start
        self._origin = trio.current_time()

    def now(self) -> int:
        """The start, plus the seconds that Trio's clock has counted since."""
        return self._start + int(trio.current_time() - self._origin)
