"""Makes a data directory out of a backup: all of it, or nothing."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlite_utils.migrations import Migrations

from actor_oauth.runtime.address import Address
from actor_oauth.runtime.engine import Database
from actor_oauth.runtime.local.archive import Archive, ArchiveError, Saved
from actor_oauth.runtime.local.backup import Tell
from actor_oauth.runtime.local.disk import Disk
from actor_oauth.runtime.local.files import (
    ActorFiles,
    in_rollback_mode,
    in_wal_mode,
    write_new,
)
from actor_oauth.runtime.local.wakes import WakeIndex
from actor_oauth.runtime.schema import migrate, open_image, steps

_WAKES_AT_ONCE: Final = 1000

Amend = Callable[[Address, Database], None]


def restore(
    archive: Archive,
    data: Path,
    *,
    migrations: Mapping[str, Migrations],
    amend: Amend,
    files: Mapping[str, bytes],
    tell: Tell,
    disk: Disk | None = None,
) -> None:
    """Make a data directory that holds what the archive does. Blocks.

    Args:
        archive: The backup.
        data: The directory to make; an empty one may be there.
        migrations: Of each kind of actors that `amend` is to see.
        amend: Changes each actor of these kinds before it is written.
        files: Further files for the directory, by name.
        tell: Told how far it is, again and again.
        disk: For syncs.

    Raises:
        FileExistsError: There is something already.
        OSError: The storage refuses.
        ArchiveError: Likewise, or the archive is damaged, or of a newer version.
    """
    disk = disk or Disk()
    refuse_if_used(data)
    # Beside it, to be given the name when all of it is there.
    draft = data.with_name(f".{data.name}.{os.getpid()}.restoring")
    draft.mkdir(mode=0o700, parents=True)
    try:
        goals = {kind: (steps(known), known) for kind, known in migrations.items()}
        paths = ActorFiles(draft, disk)
        wakes = WakeIndex(draft / "wakes.db")
        wakes.open()
        with closing(wakes):
            due: list[tuple[Address, int]] = []
            for done, saved in enumerate(archive.actors()):
                tell("restoring", done, archive.count)
                goal = goals.get(saved.address.kind)
                image = saved.image if goal is None else amended(saved, *goal, amend)
                path = paths.path(saved.address)
                _make_folders(path.parent, above=draft)
                write_new(path, image)
                if saved.due is not None:
                    due.append((saved.address, saved.due))
                if len(due) == _WAKES_AT_ONCE:
                    wakes.set(due)
                    due.clear()
            wakes.set(due)
        for name, content in files.items():
            write_new(draft / name, content)
        disk.sync_everything()
        draft.rename(data)
        disk.sync_directory(data.parent)
    except sqlite3.Error as error:
        raise ArchiveError(str(error)) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _make_folders(folder: Path, *, above: Path) -> None:
    if folder != above and not folder.is_dir():
        _make_folders(folder.parent, above=above)
        folder.mkdir(mode=0o700)


def refuse_if_used(data: Path) -> None:
    """Do nothing if there is no such directory, or nothing is in it.

    Raises:
        FileExistsError: There is something.
    """
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise FileExistsError(f"{data} is there already")


def amended(saved: Saved, goal: int, migrations: Migrations, amend: Amend) -> bytes:
    """Give an actor's image, brought to the newest schema and then changed.

    Args:
        saved: The actor's copy.
        goal: What `steps` says of the migrations.
        migrations: Of its kind.
        amend: Changes it.

    Raises:
        sqlite3.Error: It was written by a newer version.
    """
    with closing(open_image(in_rollback_mode(saved.image))) as db:
        migrate(db, migrations, goal)
        # Nothing that is erased may be left in free pages, as in a turn.
        db.execute("PRAGMA secure_delete = ON")
        db.execute("BEGIN")
        amend(saved.address, db)
        db.execute("COMMIT")
        return in_wal_mode(db.serialize())
