"""What the parts of `CallbackRunner` share."""

import traceback
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
import trio

from actor_oauth.actors.callbacks.interface import Callbacks
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.runtime import Entropy

Answer = TypeVar("Answer")

log: structlog.stdlib.BoundLogger = structlog.get_logger("actor_oauth.callbacks")


class NotAsyncError(TypeError):
    """What a callback gave cannot be awaited."""


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

    async def ask(
        self, name: str, question: Callable[[], Awaitable[Answer]]
    ) -> Answer | Refused:
        """Ask the application, for as long as it may take.

        Args:
            name: The callback's, for the log.
            question: Calls it, and raises if the result is not acceptable.

        Returns:
            What it answered; Refused if it took too long or raised, which is logged.
        """
        return await ask_application(name, question, seconds=self.callbacks.seconds)


async def ask_application(
    name: str, question: Callable[[], Awaitable[Answer]], *, seconds: float
) -> Answer | Refused:
    """Ask the application something, and let none of its faults out.

    Args:
        name: What is asked, for the log.
        question: Calls it, and raises if the result is not acceptable.
        seconds: How long it may take.

    Returns:
        What it answered; Refused if it took too long or raised, which is logged.
    """
    try:
        with trio.fail_after(seconds):
            return await awaited(question())
    except trio.TooSlowError:
        log.error("callback too slow", callback=name, seconds=seconds)
        return Refused(Reason.CALLBACK_BUSY, "the callback took too long")
    except NotAsyncError:
        log.error("callback is not async: write it with `async def`", callback=name)
        return Refused(Reason.CALLBACK_FAILED, "not an async function")
    except Exception as error:  # noqa: BLE001 - the application's fault, logged
        _log_failure(name, error)
        return Refused(Reason.CALLBACK_FAILED, type(error).__name__)


def awaited(given: Awaitable[Answer]) -> Awaitable[Answer]:
    """Give back what a callback gave, to be awaited.

    Raises:
        NotAsyncError: It is a plain function, for all that its type says.
    """
    if not hasattr(given, "__await__"):
        raise NotAsyncError
    return given


def _log_failure(callback: str, fault: Exception) -> None:
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
