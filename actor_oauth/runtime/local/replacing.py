"""Puts an actor's copy from a backup in the place of a file that cannot be read.

A process that had the old file open would go on with it, and all that it answers would be
lost. So this is done while nobody has the data directory open, and whoever starts waits.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlite_utils.migrations import Migrations

from actor_oauth.runtime.address import Address
from actor_oauth.runtime.local.archive import Archive, ArchiveError, Saved
from actor_oauth.runtime.local.backup import copied, sync_file
from actor_oauth.runtime.local.disk import Disk
from actor_oauth.runtime.local.files import ActorFiles, write_new
from actor_oauth.runtime.local.locked_file import folder_lock, held
from actor_oauth.runtime.local.restoring import Amend, amended
from actor_oauth.runtime.local.wakes import WakeIndex
from actor_oauth.runtime.schema import steps


def replace_damaged(
    archive: Archive,
    data: Path,
    address: Address,
    *,
    migrations: Migrations,
    amend: Amend,
    now: int,
    disk: Disk | None = None,
) -> Path:
    """Put an actor's copy in the place of its file, which is damaged or missing. Blocks.

    Args:
        archive: The backup.
        data: The data directory.
        address: Which actor.
        migrations: Of its kind.
        amend: Changes the copy before anybody sees it.
        now: The time, in Unix seconds.
        disk: For syncs.

    Returns:
        Where the damaged file is now; nothing is there if it was missing.

    Raises:
        ArchiveError: The backup does not have it or is damaged, a process has the data
            directory open, or the file is sound.
        OSError: The storage refuses; then run it again.
    """
    disk = disk or Disk()
    files = ActorFiles(data, disk)
    path = files.path(address)
    aside = path.with_name(f"{path.name}.damaged-{now}")
    draft = path.with_name(f"{path.stem}.{os.getpid()}.new")
    try:
        image = amended(archive.actor(address), steps(migrations), migrations, amend)
        with _alone(data):
            _refuse_if_sound(address, path, now=now)
            path.parent.mkdir(mode=0o700, exist_ok=True, parents=True)
            write_new(draft, image)
            sync_file(draft, disk)
            # While all can still stay as it was: to look in vain does no harm.
            _look_soon(address, data)
            # The old log too: SQLite would run it on whatever file it finds there.
            for suffix in ("-shm", "-wal", ""):
                old = path.with_name(path.name + suffix)
                if old.exists():
                    old.rename(aside.with_name(aside.name + suffix))
            draft.rename(path)
            disk.sync_directory(path.parent)
            files.suspects.clear(address)
    except sqlite3.Error as error:
        raise ArchiveError(str(error)) from error
    finally:
        draft.unlink(missing_ok=True)
    return aside


def _refuse_if_sound(address: Address, path: Path, *, now: int) -> None:
    if path.exists():
        # What cannot be opened is not damaged: its owner or mode may be wrong.
        path.open("rb+").close()
        if isinstance(copied(address, path, now=now), Saved):
            raise ArchiveError(f"the file of {address} is intact")


def _look_soon(address: Address, data: Path) -> None:
    """Have its alarm and messages found: its own rows say what is due."""
    wakes = WakeIndex(data / "wakes.db")
    wakes.open()
    with closing(wakes):
        wakes.set([(address, 0)])


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    redo = data / "redo"
    redo.mkdir(mode=0o700, exist_ok=True)
    # Every process that opens the data directory waits for this one before it does.
    with folder_lock(redo):
        if held(data / "live", "*.live"):
            raise ArchiveError(f"{data} is in use: stop the server first")
        yield
