"""Faults: exceptions that reached the edge, classified and logged without secrets."""

import traceback
from typing import Final

import structlog

from actor_oauth.actors import faults as actor_faults
from actor_oauth.oauth.wire import Reason
from actor_oauth.runtime.errors import ActorError, describe
from actor_oauth.runtime.repeats import Repeats

# Of several faults the most severe is reported.
_GRAVITY: Final = (Reason.OVERLOADED, Reason.STORAGE_FAILED, Reason.INTERNAL)

_LOG: structlog.stdlib.BoundLogger = structlog.get_logger("actor_oauth.http")


def reason_of(fault: BaseException) -> Reason:
    """Say what a caller may know about an exception.

    An actor that could not answer is temporary trouble and never the fault of a
    credential (D-06): clients throw their tokens away on `invalid_grant`.
    """
    if isinstance(fault, ActorError):
        return actor_faults.reason_of(fault)
    if isinstance(fault, BaseExceptionGroup):
        reasons = {reason_of(inner) for inner in fault.exceptions}
        return max(reasons, key=_GRAVITY.index)
    return Reason.INTERNAL


class FaultLog:
    """Logs the exceptions that reached the edge of one process.

    Temporary trouble, such as a full disk, fails every request there is: see `Repeats`.
    """

    def __init__(self) -> None:
        self._repeats = Repeats()

    def log(self, fault: BaseException, *, method: str, path: str) -> Reason:
        """Log an exception and say what the caller may know.

        Neither local values nor the query are logged, and of an exception that is not
        the runtime's own no message: each may hold a token (K-12).
        """
        reason = reason_of(fault)
        if reason is not Reason.INTERNAL:
            self._log_temporary(fault, reason, method=method, path=path)
            return reason
        frames = traceback.extract_tb(fault.__traceback__)
        _LOG.error(
            "request failed",
            method=method,
            path=path,
            reason=str(reason),
            fault=type(fault).__name__,
            frames=[
                f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames
            ],
        )
        return reason

    def _log_temporary(
        self, fault: BaseException, reason: Reason, *, method: str, path: str
    ) -> None:
        while isinstance(fault, BaseExceptionGroup):
            fault = fault.exceptions[0]
        more = self._repeats.more(type(fault).__name__)
        if more is None:
            return
        _LOG.error(
            "request could not be served",
            method=method,
            path=path,
            reason=str(reason),
            fault=describe(fault),
            **more,
        )
