"""What the parts of `CallbackRunner` share."""

import traceback

import structlog
import trio

from actor_oauth.actors.callbacks.interface import Callbacks
from actor_oauth.runtime import Entropy

log: structlog.stdlib.BoundLogger = structlog.get_logger("actor_oauth.callbacks")


class RunnerParts:
    """Base of the parts of `CallbackRunner`.

    Attributes:
        callbacks: The application's.
    """

    def __init__(
        self, callbacks: Callbacks, *, nursery: trio.Nursery, entropy: Entropy
    ) -> None:
        self.callbacks = callbacks
        self._nursery = nursery
        self._entropy = entropy


def log_failure(callback: str, fault: Exception) -> None:
    """Log that a callback raised something.

    Neither the exception's text nor any local value is logged: each may hold a token
    (K-12). The frames say where it happened.

    Args:
        callback: Its name.
        fault: What it raised.
    """
    frames = traceback.extract_tb(fault.__traceback__)
    log.error(
        "callback failed",
        callback=callback,
        fault=type(fault).__name__,
        frames=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    )
