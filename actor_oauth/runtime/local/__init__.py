"""The default engine: one SQLite file per actor, under one data directory."""

from actor_oauth.runtime.local.archive import Archive, ArchiveError, open_archive
from actor_oauth.runtime.local.backup import BackedUp, Tell, back_up, find_damaged
from actor_oauth.runtime.local.disk import Disk
from actor_oauth.runtime.local.engine import (
    FILES_PER_STORE,
    OTHER_FILES,
    LocalEngine,
    files_beside_stores,
)
from actor_oauth.runtime.local.files import ActorFiles, write_new
from actor_oauth.runtime.local.replacing import replace_damaged
from actor_oauth.runtime.local.restoring import restore

__all__ = [
    "FILES_PER_STORE",
    "OTHER_FILES",
    "ActorFiles",
    "Archive",
    "ArchiveError",
    "BackedUp",
    "Disk",
    "LocalEngine",
    "Tell",
    "back_up",
    "files_beside_stores",
    "find_damaged",
    "open_archive",
    "replace_damaged",
    "restore",
    "write_new",
]
