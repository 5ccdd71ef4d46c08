"""Refusing a client: what the log and the application hear, and what it is told."""

import structlog

from actor_oauth.actors.callbacks import CallbackRunner, ObservedError
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.wire import WireError, to_wire

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Refusals:
    """Tells everybody about a refusal, each as much as they may know.

    Args:
        callbacks: Runs the application's callbacks; None if it has none.
    """

    def __init__(self, callbacks: CallbackRunner | None) -> None:
        self._callbacks = callbacks

    def tell(
        self, refused: Refused, endpoint: str, form: Parameters, *, header_used: bool
    ) -> WireError:
        """Log a refusal, let the application observe it, and give the client's answer.

        Args:
            refused: Why.
            endpoint: Where, such as `token`.
            form: What was sent.
            header_used: Whether the client tried to authenticate by header.
        """
        error = to_wire(refused.reason, header_used=header_used)
        category = refused.reason.category.name.lower()
        client_id = form.get("client_id")
        if self._callbacks is not None:
            self._callbacks.observe(
                ObservedError(
                    endpoint=endpoint,
                    reason=str(refused.reason),
                    category=category,
                    status=error.status,
                    client_id=client_id,
                    detail=refused.detail,
                )
            )
        log.info(
            "refused",
            endpoint=endpoint,
            reason=str(refused.reason),
            category=category,
            detail=refused.detail,
            client_id=client_id,
        )
        return error
