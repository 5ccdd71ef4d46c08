"""The life cycle of a client's registration.

Rule 1: a registration changes state through `advance` or not at all.
Rule 2: what was authorized while a client was active dies when it is disabled or
deleted. Enabling it begins a new epoch, and revives nothing.
Rule 3: `DELETED` is final. The tombstone stays, so that what was on its way meanwhile
cannot bring the client back (B-36).
Rule 4: only a client that publishes its metadata is forgotten, once nothing granted to
it can be valid any more. It may return, since nobody here ever decided about it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class ClientState(StrEnum):
    """Where a registration stands."""

    ABSENT = "absent"
    ACTIVE = "active"
    DISABLED = "disabled"
    DELETED = "deleted"


class ClientEvent(StrEnum):
    """What can happen to a registration."""

    REGISTERED = "registered"
    DISABLED = "disabled"
    ENABLED = "enabled"
    DELETED = "deleted"
    FORGOTTEN = "forgotten"


_S = ClientState
_E = ClientEvent

TRANSITIONS: Final[Mapping[ClientState, Mapping[ClientEvent, ClientState]]] = {
    _S.ABSENT: {_E.REGISTERED: _S.ACTIVE},
    _S.ACTIVE: {
        _E.DISABLED: _S.DISABLED,
        _E.DELETED: _S.DELETED,
        _E.FORGOTTEN: _S.ABSENT,
    },
    _S.DISABLED: {_E.ENABLED: _S.ACTIVE, _E.DELETED: _S.DELETED},
    _S.DELETED: {},
}


def advance(state: ClientState, event: ClientEvent) -> ClientState | None:
    """Give the state after the event, or None if it means nothing in this state.

    None is a refusal, not a fault: operators disable twice, and delete what is gone.
    """
    return TRANSITIONS[state].get(event)
