"""Where an activation stands, and what may happen to it next.

Rule 1: an activation changes state through `advance` or not at all.
Rule 2: `BROKEN` and `STOPPED` are final. Nothing repairs an activation whose memory may
be ahead of its disk; the next call makes a new one, which reads the file again.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class ActivationState(StrEnum):
    """Where an activation stands."""

    LOADING = "loading"
    SERVING = "serving"
    PASSIVATING = "passivating"
    STOPPED = "stopped"
    BROKEN = "broken"


class ActivationEvent(StrEnum):
    """What can happen to an activation."""

    LOADED = "loaded"
    LOAD_FAILED = "load failed"
    ABSENT = "absent"
    PASSIVATED = "passivated"
    CLOSED = "closed"
    CLOSE_FAILED = "close failed"
    FAULTED = "faulted"
    SYNC_FAILED = "sync failed"


_S = ActivationState
_E = ActivationEvent

TRANSITIONS: Final[Mapping[_S, Mapping[_E, _S]]] = {
    _S.LOADING: {
        _E.LOADED: _S.SERVING,
        _E.LOAD_FAILED: _S.BROKEN,
        _E.ABSENT: _S.STOPPED,
    },
    _S.SERVING: {
        _E.PASSIVATED: _S.PASSIVATING,
        _E.FAULTED: _S.BROKEN,
        _E.SYNC_FAILED: _S.BROKEN,
    },
    # Nobody may forget an actor whose wake-up could not be noted: it stays.
    _S.PASSIVATING: {_E.CLOSED: _S.STOPPED, _E.CLOSE_FAILED: _S.SERVING},
    _S.STOPPED: {},
    _S.BROKEN: {},
}


class IllegalTransitionError(Exception):
    """An event met an activation in a state that does not know it: a bug in the runtime."""


def advance(state: ActivationState, event: ActivationEvent) -> ActivationState:
    """The state after the event.

    Raises:
        IllegalTransitionError: If the table has no such move.
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransitionError(f"{state} cannot take {event!r}") from None
