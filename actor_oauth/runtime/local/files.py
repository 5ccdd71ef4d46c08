"""Where an actor's file is, and how it comes into being.

Trap: closing any descriptor of a database file drops this process's POSIX locks on it. So
a new file is written and synced under another name, and the name that SQLite opens is
never opened by anyone else.
"""

import contextlib
import errno
import hashlib
import os
import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from actor_oauth.runtime.address import Address
from actor_oauth.runtime.local.disk import Disk
from actor_oauth.runtime.local.suspects import Suspects

BUSY_SECONDS: Final = 10.0

CHECKPOINT_BUSY_MS: Final = 100
"""For turns and views of others, which take some 0.1 ms. Turns here wait as long."""

# Not what an actor might write: SQLite is asked once per text whether it is allowed.
BEGIN: Final = "BEGIN IMMEDIATE /* turn */"
COMMIT: Final = "COMMIT /* turn */"
# The number is 0 in every file.
_CHANGE_NOTHING: Final = "PRAGMA application_id = 0 /* turn */"

# What a turn erases (a salt, a grant) must not be left in free pages.
_SETTINGS: Final = """
    PRAGMA busy_timeout = 0;
    PRAGMA synchronous = NORMAL;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA cache_size = -256;
    PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF;
    PRAGMA secure_delete = ON;
    PRAGMA foreign_keys = ON
"""


class ActorFiles:
    """The files below `root/actors`, in up to 4096 folders per kind.

    Attributes:
        suspects: Those whose logs a sync of its own would prove nothing of.
    """

    def __init__(self, root: Path, disk: Disk) -> None:
        self._root = root / "actors"
        self._disk = disk
        self.suspects = Suspects(root / "suspects")
        # Folders whose names this process knows to be durable: at most 4096 per kind.
        self._durable = {self._root}

    def path(self, address: Address) -> Path:
        """The actor's database file."""
        shard = hashlib.sha256(address.key.encode()).hexdigest()[:3]
        # As one text: each part that is added to a path has it parsed anew.
        return Path(f"{self._root}/{address.kind}/{shard}/{address.key}.db")

    def log_path(self, address: Address) -> Path:
        """The write-ahead log of that file, which is not always there."""
        path = self.path(address)
        return path.with_name(path.name + "-wal")

    def addresses(self, kinds: Sequence[str]) -> Iterator[Address]:
        """Give the actors that there are, those of `kinds` last and in that order.

        Actors that are created meanwhile are given or not.
        """
        there = sorted(path.name for path in _folders(self._root))
        for kind in (*(name for name in there if name not in kinds), *kinds):
            for shard in _folders(self._root / kind):
                for path in shard.glob("*.db"):
                    yield Address(kind, path.stem)

    def count(self) -> int:
        """Count the actors that there are, without a look at any. Blocks."""
        return sum(
            entry.name.endswith(".db")
            for kind in _folders(self._root)
            for shard in _folders(kind)
            for entry in os.scandir(shard)
        )

    def create(self, path: Path, image: bytes) -> None:
        """Create a database file; if another process does, its file stands.

        Its name becomes durable with the first sync of its log, before any reply.

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
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(draft)
        finally:
            draft.unlink(missing_ok=True)

    def sync_logs(self, addresses: Collection[Address]) -> None:
        """Put the write-ahead logs of these actors on stable storage. Blocks.

        A log that is not there has been moved into its database, which SQLite has synced.

        Raises:
            OSError: If the disk did not confirm.
        """
        for address in addresses:
            if address in self.suspects:
                self._rewrite(address)
            else:
                self._sync_log(address)

    def _sync_log(self, address: Address) -> None:
        try:
            # It carries no locks, so it may be opened and closed.
            descriptor = os.open(self.log_path(address), os.O_RDWR)
        except FileNotFoundError:
            return
        try:
            self._disk.sync_data(descriptor)
        except OSError:
            self.suspects.add(address)
            raise
        finally:
            os.close(descriptor)

    def _rewrite(self, address: Address) -> None:
        if not self.path(address).exists():
            return
        try:
            with contextlib.closing(connect(self.path(address))) as db:
                rewrite(db)
        except sqlite3.Error as error:
            raise OSError(errno.EIO, f"{address} cannot be written anew") from error
        self.suspects.clear(address)

    def _create_folders(self, folder: Path) -> None:
        """Make folders durable, also those that another process has just made."""
        if folder in self._durable:
            return
        self._create_folders(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        self._disk.sync_directory(folder.parent)
        self._durable.add(folder)


def _folders(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def in_wal_mode(image: bytes) -> bytes:
    """A database image whose header asks for a write-ahead log.

    SQLite file format, sections 1.3.3 and 1.3.4: read and write version 2 at offsets 18
    and 19.
    """
    return image[:18] + b"\x02\x02" + image[20:]


def in_rollback_mode(image: bytes) -> bytes:
    """The same image, to be opened in memory, where there is no write-ahead log."""
    return image[:18] + b"\x01\x01" + image[20:]


def write_new(path: Path, content: bytes) -> None:
    """Write a file that nobody else may read. The caller syncs.

    Raises:
        OSError: If there is such a file, or the storage refuses.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def connect(path: Path) -> sqlite3.Connection:
    """Open an actor's database, and read its schema. Blocks; see `configure`.

    Waits for another process that recovers or holds it.

    Raises:
        sqlite3.Error: If it cannot be opened or is damaged.
    """
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        # A no-op, except for a file that was left in another mode: all that it does is to
        # open the log and to read the schema. In one call, since a thread waits for the
        # interpreter after each.
        connection.executescript("PRAGMA journal_mode = WAL")
    except BaseException:
        connection.close()
        raise
    return connection


def configure(connection: sqlite3.Connection) -> None:
    """Make an open database ready for turns in the event loop's thread; reads no file.

    `synchronous=NORMAL`: a commit never waits for the disk, the output gate does.
    Nothing is checkpointed by a commit either, and none waits for another process. The one
    exception is the first commit into an empty log, for which SQLite syncs the log's
    header and name: see `start_log`.
    """
    connection.executescript(_SETTINGS)


def start_log(connection: sqlite3.Connection, log: int) -> None:
    """Begin a write-ahead log that is empty, so that its end can be known.

    SQLite syncs the header of a log that begins, for a header that reaches the disk after
    its frames could bring older frames back to life. That would block the event loop. In
    an empty file there are no older frames: this commits a change that changes nothing,
    without a sync, and the first turn's sync covers header and frames together. Gives way
    to a turn of another process, which starts the log just as well.

    Args:
        connection: The actor's.
        log: Descriptor of the log.

    Raises:
        sqlite3.Error: If the storage refuses, as it then would the turn.
    """
    # As a script, for a statement that is prepared for later takes memory.
    connection.executescript("PRAGMA synchronous = OFF")
    try:
        connection.execute(BEGIN)
        # Nobody else can write now.
        if os.fstat(log).st_size == 0:
            connection.execute(_CHANGE_NOTHING)
    finally:
        if connection.in_transaction:
            connection.execute(COMMIT)
        connection.executescript("PRAGMA synchronous = NORMAL")


def checkpoint(path: Path) -> None:
    """Move a long log into its database, and begin it anew. Blocks.

    Keeps the turns of other processes out, lest there is always one more commit and the
    log grows for as long as its actor is busy. This process's turns the caller has to keep
    out until it is over: the first commit after it would sync the log's header.

    Raises:
        sqlite3.Error: If the storage refuses; nothing is lost then.
    """
    connection = connect(path)
    try:
        configure(connection)
        connection.execute(f"PRAGMA busy_timeout = {CHECKPOINT_BUSY_MS:d}")
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        if not busy:
            # If a turn of another process comes first, it begins the log.
            with contextlib.suppress(sqlite3.OperationalError):
                connection.execute(BEGIN)
                connection.execute(_CHANGE_NOTHING)
                connection.execute(COMMIT)
    finally:
        connection.close()


def rewrite(connection: sqlite3.Connection) -> None:
    """Write what a failed sync may have lost to the database file, and sync that.

    The kernel drops the error, and may drop the pages, once a failed sync has been
    reported, so syncing the log again would prove nothing.

    Raises:
        OSError: If another process has the database in use.
        sqlite3.Error: If the storage refuses.
    """
    connection.execute("PRAGMA synchronous = FULL")
    row = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.execute("PRAGMA synchronous = NORMAL")
    if row[0]:
        raise OSError(errno.EBUSY, "another process uses the database")
