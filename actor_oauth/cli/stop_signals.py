"""SIGTERM, SIGINT and SIGHUP end the server in order; a second one ends it at once."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
import trio

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)


@asynccontextmanager
async def open_stop_signals() -> AsyncIterator[trio.Event]:
    """Give an event that is set by the first stop signal.

    A second signal cancels the body. Must be opened in the main thread.
    """
    stopping = trio.Event()
    with trio.open_signal_receiver(*STOP_SIGNALS) as signals:
        async with trio.open_nursery() as nursery:

            async def watch() -> None:
                async for number in signals:
                    if stopping.is_set():
                        _log.warning("stopping at once")
                        nursery.cancel_scope.cancel()
                        return
                    _log.info("stopping", signal=signal.Signals(number).name)
                    stopping.set()

            nursery.start_soon(watch)
            yield stopping
            nursery.cancel_scope.cancel()
