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

# Writing an actor
__all__ = ["Actor", "Address", "turn", "view"]

# Running and calling actors
__all__ += ["ActorSystem", "LocalEngine", "RuntimeLimits", "open_system"]

# What a call may raise
__all__ += [
    "ActorBrokenError",
    "ActorError",
    "ActorUsageError",
    "NotDurableError",
    "OverloadedError",
    "StoppedError",
    "StorageError",
]

# Time and randomness
__all__ += ["Clock", "Entropy", "SystemClock", "SystemEntropy", "TrioClock"]

# Storage of another kind
__all__ += ["Database", "Engine", "Store", "Wake"]
