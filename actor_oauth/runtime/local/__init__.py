"""The default engine: one SQLite file per actor, under one data directory."""

from actor_oauth.runtime.local.disk import Disk
from actor_oauth.runtime.local.engine import LocalEngine

__all__ = ["Disk", "LocalEngine"]
