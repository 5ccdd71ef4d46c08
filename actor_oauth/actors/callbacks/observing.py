"""`on_error`: called beside the responses, never before them, and bounded."""

from functools import partial
from typing import Final

import structlog
import trio

from actor_oauth.actors.callbacks.interface import Callbacks, ObservedError, OnError
from actor_oauth.actors.callbacks.parts import RunnerParts
from actor_oauth.runtime import Entropy

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

MAX_OBSERVED: Final = 256
"""Concurrent calls of `on_error`. Further errors are only counted."""


class Observing(RunnerParts):
    """Part of `CallbackRunner`."""

    def __init__(
        self, callbacks: Callbacks, *, nursery: trio.Nursery, entropy: Entropy
    ) -> None:
        super().__init__(callbacks, nursery=nursery, entropy=entropy)
        self._observed = 0
        self._untold = 0

    def observe(self, error: ObservedError) -> None:
        """Tell the observer, without waiting for it."""
        observer = self.callbacks.on_error
        if observer is None:
            return
        if self._observed >= MAX_OBSERVED:
            if not self._untold:
                log.warning("on_error is too slow: errors are dropped")
            self._untold += 1
            return
        if self._untold:
            log.warning("on_error has caught up", untold=self._untold)
            self._untold = 0
        self._observed += 1
        self._nursery.start_soon(self._tell, observer, error)

    async def _tell(self, observer: OnError, error: ObservedError) -> None:
        try:
            await self.ask("on_error", partial(observer, error))
        finally:
            self._observed -= 1
