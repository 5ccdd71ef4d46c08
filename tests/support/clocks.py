"""Clocks that do what a test says."""


class StoppedClock:
    """Stands still. Alarms are due by it, turns are told the time by their caller."""

    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        return self._now


class SettableClock:
    """Stands still until a test moves it.

    Attributes:
        time: What it shows.
    """

    def __init__(self, now: int = 1_795_000_000) -> None:
        self.time = now

    def now(self) -> int:
        return self.time

    def advance(self, seconds: int) -> None:
        """Move it on."""
        self.time += seconds
