"""Where an actor's file is, and how it comes into being.

Trap: closing any descriptor of a database file drops this process's POSIX locks on it. So
a new file is written and synced under another name, and the name that SQLite opens is
never opened by anyone else.
"""

import hashlib
import os
import sqlite3
import threading
from pathlib import Path

from actor_oauth.runtime.address import Address
from actor_oauth.runtime.local.disk import Disk

MIGRATION_BUSY_SECONDS = 10.0


class ActorFiles:
    """The files below `root/actors`, in up to 4096 folders per kind."""

    def __init__(self, root: Path, disk: Disk) -> None:
        self._root = root / "actors"
        self._disk = disk

    def path(self, address: Address) -> Path:
        """The actor's database file."""
        shard = hashlib.sha256(address.key.encode()).hexdigest()[:3]
        return self._root / address.kind / shard / f"{address.key}.db"

    def create(self, path: Path, image: bytes) -> None:
        """Create a database file durably; if another process does, its file stands.

        Raises:
            OSError: If the storage refuses; there is no half-written file then.
        """
        self._create_folders(path.parent)
        # Unique among processes and threads; a crash leaves it behind, harmlessly.
        draft = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(image)
                file.flush()
                self._disk.sync_data(file.fileno())
            try:
                path.hardlink_to(draft)
            except FileExistsError:
                return
        finally:
            draft.unlink(missing_ok=True)
        self._disk.sync_directory(path.parent)

    def _create_folders(self, folder: Path) -> None:
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for child in reversed(missing):
            child.mkdir(mode=0o700, exist_ok=True)
            self._disk.sync_directory(child.parent)


def in_wal_mode(image: bytes) -> bytes:
    """A database image whose header asks for a write-ahead log.

    SQLite file format, sections 1.3.3 and 1.3.4: read and write version 2 at offsets 18
    and 19.
    """
    return image[:18] + b"\x02\x02" + image[20:]


def connect(path: Path) -> sqlite3.Connection:
    """Open an actor's database for turns in the event loop's thread.

    `synchronous=NORMAL`: a commit never waits for the disk, the output gate does.
    Nothing is checkpointed by a commit either. A busy database is reported at once.

    Raises:
        sqlite3.Error: If it cannot be opened or is damaged.
    """
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        uri=True,
        timeout=MIGRATION_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA cache_size = -256")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection
