"""How an actor that could not answer is reported to the operator."""

from actor_oauth.oauth.reasons import Reason
from actor_oauth.runtime.errors import (
    ActorBrokenError,
    ActorError,
    NotDurableError,
    StorageError,
)


def reason_of(error: ActorError) -> Reason:
    """Say why an actor could not answer: its storage, or overload.

    Both are temporary for a client (D-06).
    """
    if isinstance(error, ActorBrokenError | NotDurableError | StorageError):
        return Reason.STORAGE_FAILED
    return Reason.OVERLOADED
