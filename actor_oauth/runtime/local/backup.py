"""Copies all actors of a data directory into one file, while servers go on.

Each actor is copied as it is between two of its turns. Between actors the copy is
consistent if whoever tells something is copied before whoever is told: what was delivered
before the teller was copied, the other's copy has; what was delivered later still waits in
the teller's copy. So the order of kinds is given by whoever knows who tells whom.

Everything that was answered before the backup began is in it.
"""

import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from actor_oauth.runtime.address import Address
from actor_oauth.runtime.local.archive import (
    ArchiveError,
    ArchiveWriter,
    Saved,
    open_archive,
)
from actor_oauth.runtime.local.disk import Disk
from actor_oauth.runtime.local.files import ActorFiles
from actor_oauth.runtime.local.redo_recovery import recover
from actor_oauth.runtime.schema import wanted_at

Tell: TypeAlias = Callable[[str, int, int], None]
"""Is told what is being done, of how many actors it is done, and of how many it will be."""

_BUSY_SECONDS: Final = 10.0
_SETTLED_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a backup came to.

    Attributes:
        count: Actors in it.
        damaged: Actors that are not, and why their files could not be read.
    """

    count: int
    damaged: Mapping[Address, str]


def back_up(
    data: Path,
    target: Path,
    *,
    kinds: Sequence[str],
    about: Mapping[str, str],
    now: int,
    tell: Tell,
    disk: Disk | None = None,
) -> BackedUp:
    """Copy the actors of a data directory into a file, and read the file again. Blocks.

    Servers may run. The file has its name only when it is complete and on stable storage;
    what a crash leaves has a name that ends in `.partial`.

    Args:
        data: The data directory.
        target: The file to make.
        kinds: Those who tell others before those who are told; kinds that are not named
            are copied before all.
        about: Noted in the file.
        now: The time, in Unix seconds.
        tell: Told how far it is, again and again.
        disk: For syncs.

    Raises:
        FileExistsError: There is something of that name.
        OSError: The storage refuses.
        ArchiveError: Likewise, or what was written cannot be read again.
    """
    disk = disk or Disk()
    files = ActorFiles(data, disk)
    if (data / "redo").is_dir():
        # What a power failure took is put back first, as before anybody opens an actor.
        recover(data / "redo", boot=disk.boot(), files=files)
    draft = target.with_name(f"{target.name}.{os.getpid()}.partial")
    writer = ArchiveWriter(draft)
    try:
        damaged: dict[Address, str] = {}
        there = files.count()
        for done, address in enumerate(files.addresses(kinds)):
            tell("copying", done, there)
            saved = copied(address, files.path(address), now=now)
            if isinstance(saved, Saved):
                writer.add(saved)
            else:
                damaged[address] = saved
        count = writer.finish(about)
        writer.close()
        for done, _ in enumerate(open_archive(draft).actors()):
            tell("verifying", done, count)
        sync_file(draft, disk)
        # A link, unlike a rename, never replaces a backup that is there.
        target.hardlink_to(draft)
        disk.sync_directory(target.parent)
    except sqlite3.Error as error:
        raise ArchiveError(str(error)) from error
    finally:
        writer.close()
        draft.unlink(missing_ok=True)
    return BackedUp(count, damaged)


def find_damaged(data: Path, *, now: int, tell: Tell) -> dict[Address, str]:
    """Read the files of all actors, and give those that cannot be, and why. Blocks.

    Nothing is changed, and servers may run.

    Args:
        data: The data directory.
        now: The time, in Unix seconds.
        tell: Told how far it is, again and again.
    """
    files = ActorFiles(data, Disk())
    damaged: dict[Address, str] = {}
    there = files.count()
    for done, address in enumerate(files.addresses(())):
        tell("reading", done, there)
        saved = copied(address, files.path(address), now=now)
        if not isinstance(saved, Saved):
            damaged[address] = saved
    return damaged


def copied(address: Address, path: Path, *, now: int) -> Saved | str:
    """Give an actor's copy, or why its file cannot be read from end to end. Blocks."""
    try:
        return _read_idle(address, path, now=now) or _read(address, path)
    except sqlite3.DatabaseError as error:
        # What SQLite says of a file holds no values.
        return str(error)


def _read_idle(address: Address, path: Path, *, now: int) -> Saved | None:
    """Take the image of an actor that nobody has open; None if somebody may have.

    Then there is no log, and the file is all there is. Opening it as one that nobody
    changes saves making a log and removing it again, which is most of the work. Whoever
    opens and changes it meanwhile changes its time, or leaves a log.
    """
    try:
        state = _state(path, before=now - _SETTLED_SECONDS)
        saved = None if state is None else _read(address, path, "&immutable=1")
        same = state == _state(path, before=now - _SETTLED_SECONDS)
    except (OSError, sqlite3.DatabaseError):
        return None
    return saved if same else None


def _state(path: Path, *, before: int) -> tuple[int, ...] | None:
    """What tells one state of a file from others; None if somebody may be at work in it.

    Of two changes within one step of the file system's clock the second cannot be told,
    so only what has been left alone for a while counts.
    """
    if path.with_name(path.name + "-wal").exists():
        return None
    found = path.stat()
    if found.st_mtime >= before:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _read(address: Address, path: Path, how: str = "") -> Saved:
    """Take an actor's image as it is between two turns.

    Raises:
        sqlite3.DatabaseError: If it is damaged, or gone.
    """
    with closing(
        sqlite3.connect(
            f"{path.as_uri()}?mode=rw{how}",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
        )
    ) as db:
        db.execute("BEGIN")
        due = wanted_at(db)
        (told,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if told != "ok":
            raise sqlite3.DatabaseError(str(told))
        return Saved(address, due, db.serialize())


def sync_file(path: Path, disk: Disk) -> None:
    """Put a file that nobody has open on stable storage. Blocks."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        disk.sync_data(descriptor)
    finally:
        os.close(descriptor)
