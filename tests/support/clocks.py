"""Clocks that do what a test says."""


class StoppedClock:
    """Stands still. Alarms are due by it, turns are told the time by their caller."""

    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        return self._now
