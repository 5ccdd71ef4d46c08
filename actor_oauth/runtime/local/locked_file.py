"""Files of one process that another may take over only once their owner is dead."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actor_oauth.runtime.local.disk import Disk


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold a folder for as long as the block lasts. Blocks until it is free.

    Every process that opens a data directory holds its folder of redo logs before that.
    """
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def create_locked(path: Path, data: bytes, disk: Disk) -> int:
    """Create a file that is locked from the first moment that it is seen. Blocks.

    Under its own name it must never be seen unlocked: another process would take it for a
    dead one's. A crash leaves the draft behind, harmlessly.

    Returns:
        Its descriptor, which holds the lock.

    Raises:
        OSError: If the storage refuses; there is no such file then.
    """
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        write_all(descriptor, data)
        disk.sync_data(descriptor)
        draft.rename(path)
        disk.sync_directory(path.parent)
    except BaseException:
        draft.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        os.close(descriptor)
        raise
    return descriptor


def orphans(folder: Path, pattern: str) -> Iterator[Path]:
    """Give the files whose owner is dead, each locked while it is looked at. Blocks."""
    for path in sorted(folder.glob(pattern)):
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # An owner that deletes its file and closes it meanwhile has done its duty.
            if os.fstat(descriptor).st_nlink:
                yield path
        except BlockingIOError:
            continue
        finally:
            os.close(descriptor)


def held(folder: Path, pattern: str) -> list[Path]:
    """Give the files whose owner lives. Blocks."""
    there = set(folder.glob(pattern)).difference(orphans(folder, pattern))
    return sorted(path for path in there if path.exists())


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it, in as many calls as the operating system wants.

    Raises:
        OSError: If the storage refuses; a part may have been written.
    """
    while data:
        data = data[os.write(descriptor, data) :]
