"""Reporting failures of other servers to `on_error`."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, TypeVar

from actor_oauth.actors.callbacks import ObservedError
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault

Observe: TypeAlias = Callable[[ObservedError], None]

MAX_DETAIL: Final = 200

_PASSING: Final = 503
_OTHERWISE: Final = 502
_STATUS: Final[Mapping[UpstreamFault, int]] = {
    UpstreamFault.NOT_CONNECTED: 404,
    UpstreamFault.REAUTHORIZATION_NEEDED: 409,
}

A = TypeVar("A")


class Reporter:
    """Reports failures.

    Args:
        observe: Receives what `on_error` is told, without waiting for it.
    """

    def __init__(self, observe: Observe) -> None:
        self._observe = observe

    def report(self, endpoint: str, answer: A) -> A:
        """Report an answer if it is a failure, and return it.

        Args:
            endpoint: Where, such as `vault/login`.
            answer: Any.
        """
        if isinstance(answer, UpstreamFailed):
            passing = answer.is_passing
            # A URL's query may hold anything (K-12).
            detail = answer.detail.partition("?")[0][:MAX_DETAIL]
            self._observe(
                ObservedError(
                    endpoint=endpoint,
                    reason=str(answer.fault),
                    category="upstream_unavailable" if passing else "upstream_failed",
                    status=status_of(answer),
                    client_id=None,
                    detail=detail or None,
                )
            )
        return answer


def status_of(failed: UpstreamFailed) -> int:
    """Give the HTTP status that represents a failure to a program."""
    otherwise = _PASSING if failed.is_passing else _OTHERWISE
    return _STATUS.get(failed.fault, otherwise)
