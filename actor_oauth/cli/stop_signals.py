"""SIGTERM, SIGINT and SIGHUP end the server in order; a second one ends it at once.

A disk that does not answer holds a thread, which only the end of the process can end.
So after a time the process exits, as by `kill -9`: what was answered is on stable
storage, and the next start recovers the rest.
"""

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog
import trio

STOP_MARGIN: Final = 5.0
"""Seconds to close every database in, after what requests in flight may take."""

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)


@asynccontextmanager
async def open_stop_signals(
    seconds: float, *, leave: Callable[[int], None] = os._exit
) -> AsyncIterator[trio.Event]:
    """Give an event that is set by the first stop signal.

    A second signal cancels the body. Must be opened in the main thread.

    Args:
        seconds: How long the body may take from when the event is set.
        leave: What ends the process with a status, whatever it is at.
    """
    stopping = trio.Event()

    async def leave_when_late() -> None:
        await stopping.wait()
        await trio.sleep(seconds)
        _log.error("shutdown timed out: exiting now", seconds=seconds)
        leave(1)

    with trio.open_signal_receiver(*STOP_SIGNALS) as signals:
        async with trio.open_nursery() as late:
            late.start_soon(leave_when_late)
            async with trio.open_nursery() as nursery:

                async def watch() -> None:
                    # Not whether it is stopping already: a worker may be told so by its
                    # parent before it sees the signal that was sent to both.
                    seen = 0
                    async for number in signals:
                        seen += 1
                        if seen > 1:
                            _log.warning("stopping at once")
                            nursery.cancel_scope.cancel()
                            return
                        _log.info("stopping", signal=signal.Signals(number).name)
                        stopping.set()

                nursery.start_soon(watch)
                yield stopping
                nursery.cancel_scope.cancel()
            late.cancel_scope.cancel()
