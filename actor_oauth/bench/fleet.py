"""Driver processes: where loops run, beside the process that shows the progress.

Rule 1: the process that draws a progress bar measures nothing.
Rule 2: driver processes keep to cores that the measured server does not have, wherever
the machine has enough of them.
"""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from ctypes import c_longlong
from dataclasses import dataclass
from time import process_time
from typing import Final, Generic, TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")
_LOOK_SECONDS: Final = 0.1


# Of a driver process, set once when it starts: pools hand arguments to functions only.
_ticks = c_longlong()
_stop = c_longlong()


def tick() -> None:
    """Count one answer. Without a lock: a progress bar may miss a few."""
    _ticks.value += 1


def stopped() -> bool:
    """Whether what runs is to come to an end."""
    return bool(_stop.value)


def _enter(ticks: c_longlong, stop: c_longlong, cores: Sequence[int]) -> None:
    global _ticks, _stop
    _ticks, _stop = ticks, stop
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if cores:
        os.sched_setaffinity(0, cores)


def _end_with_parent() -> None:
    # A pool's processes hold both ends of the pipe that brings their work, so they
    # would wait there for ever after the parent was killed.
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


@dataclass(frozen=True, slots=True)
class Timed(Generic[Result]):
    """What a driver process came back with, and the CPU seconds that it took."""

    value: Result
    cpu: float


class Fleet:
    """Driver processes, as a place to run functions in."""

    def __init__(
        self,
        pool: ProcessPoolExecutor,
        ticks: c_longlong,
        stop: c_longlong,
        drivers: int,
    ) -> None:
        self._pool = pool
        self._ticks = ticks
        self._stop = stop
        self.drivers = drivers

    def start(self, function: Callable[[Part], Result], part: Part) -> Future[Result]:
        """Begin to run a function in one of the processes."""
        self._ticks.value = self._stop.value = 0
        return self._pool.submit(function, part)

    @property
    def ticks(self) -> int:
        """How often what runs has called `tick`."""
        return self._ticks.value

    def stop(self) -> None:
        """Have what runs come to an end, if it looks."""
        self._stop.value = 1

    def spread(
        self,
        function: Callable[[Part], Result],
        parts: Sequence[Part],
        on_ticks: Callable[[int], None] | None = None,
    ) -> list[Timed[Result]]:
        """Run a function on each part, in a process each.

        Args:
            function: Of a module; it calls `tick`.
            parts: Not more than there are drivers, if they are to run at once.
            on_ticks: Called with that number, a few times a second.
        """
        self._ticks.value = self._stop.value = 0
        futures: list[Future[Timed[Result]]] = [
            self._pool.submit(_timed, function, part) for part in parts
        ]
        pending = set(futures)
        while pending:
            _, pending = wait(pending, timeout=_LOOK_SECONDS)
            if on_ticks is not None:
                on_ticks(self._ticks.value)
        return [future.result() for future in futures]

    def run(
        self,
        function: Callable[[Part], Result],
        part: Part,
        on_ticks: Callable[[int], None] | None = None,
    ) -> Result:
        """Run a function in one of the processes."""
        return self.spread(function, [part], on_ticks)[0].value


def _timed(function: Callable[[Part], Result], part: Part) -> Timed[Result]:
    began = process_time()
    value = function(part)
    return Timed(value, process_time() - began)


@contextmanager
def open_fleet(drivers: int = 1, cores: Sequence[int] = ()) -> Iterator[Fleet]:
    """Have driver processes for as long as the block lasts.

    Args:
        drivers: How many.
        cores: What they keep to; anything if empty.
    """
    context = multiprocessing.get_context("spawn")
    ticks, stop = context.RawValue(c_longlong), context.RawValue(c_longlong)
    with ProcessPoolExecutor(
        drivers, mp_context=context, initializer=_enter, initargs=(ticks, stop, cores)
    ) as pool:
        yield Fleet(pool, ticks, stop, drivers)
