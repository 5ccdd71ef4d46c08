"""Refusals: reported to the log and the application, and answered to the client."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from logging import DEBUG, INFO
from typing import Final

import structlog

from actor_oauth.actors.callbacks import CallbackRunner, ObservedError
from actor_oauth.oauth.client_authentication import named_client
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.presented_grant import grant_of_form
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.wire import WireError, to_wire
from actor_oauth.runtime.repeats import Repeats

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

MAX_CLIENT_ID_LENGTH: Final = 2048
"""Longest client id that is reported. No client has a longer one."""

_LOGGED_LENGTH: Final = 256


class Refusals:
    """Tells everybody about a refusal, each as much as they may know.

    Args:
        callbacks: Runs the application's callbacks; None if it has none.
    """

    def __init__(self, callbacks: CallbackRunner | None = None) -> None:
        self._callbacks = callbacks
        self._repeats = Repeats()
        self._watchers: list[Callable[[ObservedError], None]] = []

    def watch(self, watcher: Callable[[ObservedError], None]) -> None:
        """Register a synchronous watcher, called with every error before `on_error`.

        Args:
            watcher: Returns soon and raises nothing.
        """
        self._watchers.append(watcher)

    def tell(
        self,
        refused: Refused,
        endpoint: str,
        form: Parameters,
        authorization: str | None,
    ) -> WireError:
        """Note a refusal, and give the client's answer.

        Args:
            refused: Why.
            endpoint: Where, such as `token`.
            form: What was sent.
            authorization: The value of the `Authorization` header; None without one.
        """
        client_id = named_client(form, authorization) or form.get("client_id")
        refused = replace(refused, grant=grant_of_form(form))
        self.note(refused, endpoint, client_id=client_id)
        return to_wire(refused.reason, header_used=authorization is not None)

    def note(
        self,
        refused: Refused,
        endpoint: str,
        *,
        client_id: str | None = None,
        status: int | None = None,
        caller: str | None = None,
    ) -> None:
        """Log a refusal, and let the application observe it.

        Args:
            refused: Why.
            endpoint: Where, such as `token`.
            client_id: As sent in the request.
            status: Of the answer, if it is not the one of the reason.
            caller: The network address, where somebody may be guessing.
        """
        client_id = client_id and client_id[:MAX_CLIENT_ID_LENGTH]
        more: Mapping[str, int] | None = {}
        if refused.reason in _AT_NO_COST:
            more = self._repeats.more(f"{endpoint} {caller}")
        if more is not None:
            known = {
                "caller": caller,
                "client_id": client_id and client_id[:_LOGGED_LENGTH],
                "grant": refused.grant,
                "detail": refused.detail,
            }
            log.log(
                DEBUG if refused.reason in _ROUTINE else INFO,
                "refused",
                endpoint=endpoint,
                reason=str(refused.reason),
                category=_category(refused.reason),
                **{name: value for name, value in known.items() if value},
                **more,
            )
        self._observe(refused, endpoint, client_id, status)

    def fault(self, reason: Reason, endpoint: str, fault: BaseException) -> None:
        """Let the application observe an exception that was logged where it arrived.

        Args:
            reason: The answer to the caller.
            endpoint: Where.
            fault: Only its type is reported: its text may contain a secret (K-12).
        """
        self._observe(Refused(reason, type(fault).__name__), endpoint)

    def observe(self, error: ObservedError) -> None:
        """Let the application observe what was logged where it happened."""
        for watcher in self._watchers:
            watcher(error)
        if self._callbacks is not None:
            self._callbacks.observe(error)

    def _observe(
        self,
        refused: Refused,
        endpoint: str,
        client_id: str | None = None,
        status: int | None = None,
    ) -> None:
        self.observe(
            ObservedError(
                endpoint=endpoint,
                reason=str(refused.reason),
                category=_category(refused.reason),
                status=status or refused.reason.category.status,
                client_id=client_id,
                detail=refused.detail,
            )
        )


# A client over a limit can be refused arbitrarily often.
_AT_NO_COST: Final = frozenset((Reason.RATE_LIMITED, Reason.CONNECTIONS_TOO_MANY))

# Routine steps of some kinds of clients, not errors: kept out of the default log.
_ROUTINE: Final = frozenset(
    (Reason.CREDENTIALS_MISSING, Reason.DEVICE_PENDING, Reason.DPOP_NONCE_WANTED)
)


def _category(reason: Reason) -> str:
    return reason.category.name.lower()
