"""Tells of turns that take long: nothing can stop one, and all others wait for it.

A turn that has ended late is told of by the task that ran it. One that does not end is
told of by a thread, since the event loop stands still.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

import structlog

from actor_oauth.runtime.actor import Operation
from actor_oauth.runtime.address import Address

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LONG_SECONDS: Final = 0.25
"""A turn takes 0.1 ms, and a batch of them is written within some 10 ms."""

STUCK_SECONDS: Final = 5.0
"""Requests give up after `call_seconds`, which is 20 unless it is set."""


class TurnWatch:
    """Watches the turns and views of one process, which run one at a time.

    Args:
        timer: Seconds that pass while a turn runs.

    Attributes:
        long_turns: How many took long.
    """

    def __init__(self, timer: Callable[[], float] = perf_counter) -> None:
        self._timer = timer
        self._running: tuple[Address, Operation, float] | None = None
        self._told: float | None = None
        self._thread = 0
        self.long_turns = 0

    def begin(self, address: Address, operation: Operation) -> None:
        """Note that a turn begins."""
        self._running = (address, operation, self._timer())

    def end(self) -> None:
        """Note that it has ended, and tell if that took long."""
        running, self._running = self._running, None
        assert running is not None
        address, operation, started = running
        seconds = self._timer() - started
        if seconds >= LONG_SECONDS:
            self.long_turns += 1
            log.warning(
                "slow turn: all other requests waited",
                actor=str(address),
                turn=operation.name,
                seconds=round(seconds, 3),
                count=self.long_turns,
            )

    def look(self) -> None:
        """Tell, once, of a turn that does not end. Called from another thread."""
        running = self._running
        if running is None or running[2] == self._told:
            return
        address, operation, started = running
        seconds = self._timer() - started
        if seconds >= STUCK_SECONDS:
            self._told = started
            log.error(
                "turn still running: all other requests are waiting",
                actor=str(address),
                turn=operation.name,
                seconds=round(seconds, 3),
                at=_place(self._thread),
            )

    @contextmanager
    def looking(self, every: float = 1.0) -> Iterator[None]:
        """Look from a thread for as long as the block lasts.

        Args:
            every: Seconds between two looks.
        """
        self._thread = threading.get_ident()
        over = threading.Event()

        def run() -> None:
            while not over.wait(every):
                self.look()

        thread = threading.Thread(target=run, name="turn watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _place(thread: int) -> str | None:
    """Where a thread is now: a file and a line, and no values."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001 - the only way to ask
    return None if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
