"""Durable actors: single owners of SQLite-backed state, one turn at a time.

Knows nothing of OAuth, and is useful without it. `docs/actors.md` is the guide,
ARCHITECTURE.md says how each guarantee is kept.
"""

from actor_oauth.runtime.actor import Actor, turn, view
from actor_oauth.runtime.address import Address
from actor_oauth.runtime.clock import Clock, SystemClock, TrioClock
from actor_oauth.runtime.engine import Database, Engine, Store, Wake
from actor_oauth.runtime.entropy import Entropy, SystemEntropy
from actor_oauth.runtime.errors import (
    ActorBrokenError,
    ActorError,
    ActorUsageError,
    NotDurableError,
    OverloadedError,
    StoppedError,
    StorageError,
)
from actor_oauth.runtime.limits import RuntimeLimits
from actor_oauth.runtime.local import LocalEngine
from actor_oauth.runtime.system import ActorSystem, open_system

__all__ = [
    "Actor",
    "ActorBrokenError",
    "ActorError",
    "ActorSystem",
    "ActorUsageError",
    "Address",
    "Clock",
    "Database",
    "Engine",
    "Entropy",
    "LocalEngine",
    "NotDurableError",
    "OverloadedError",
    "RuntimeLimits",
    "StoppedError",
    "StorageError",
    "Store",
    "SystemClock",
    "SystemEntropy",
    "TrioClock",
    "Wake",
    "open_system",
    "turn",
    "view",
]
