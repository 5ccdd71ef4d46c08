"""Faults: exceptions that reached the edge, told apart and logged without secrets."""

import traceback

import structlog

from actor_oauth.oauth.wire import Reason
from actor_oauth.runtime.errors import ActorError

_LOG: structlog.stdlib.BoundLogger = structlog.get_logger("actor_oauth.http")


def reason_of(fault: BaseException) -> Reason:
    """Say what a caller may know about an exception.

    An actor that could not answer is temporary trouble and never the fault of a
    credential (D-06): clients throw their tokens away on `invalid_grant`.
    """
    if isinstance(fault, ActorError):
        return Reason.OVERLOADED
    if isinstance(fault, BaseExceptionGroup):
        reasons = {reason_of(inner) for inner in fault.exceptions}
        return reasons.pop() if len(reasons) == 1 else Reason.INTERNAL
    return Reason.INTERNAL


def log_fault(fault: BaseException, *, method: str, path: str) -> Reason:
    """Log an exception and say what the caller may know.

    Neither the exception's message nor any local value nor the query is logged: each
    may hold a token (K-12). The frames say where it happened.
    """
    reason = reason_of(fault)
    frames = traceback.extract_tb(fault.__traceback__)
    _LOG.error(
        "request failed",
        method=method,
        path=path,
        reason=str(reason),
        fault=type(fault).__name__,
        frames=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    )
    return reason
