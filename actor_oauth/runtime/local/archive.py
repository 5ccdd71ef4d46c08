"""The file that a backup is: a SQLite database that holds the databases of actors.

One file, so that it is written in one go, synced once, and whole or not there. Each image
is stored compressed, with a digest over its address, its wake-up and itself. The number of
actors is written last.
"""

import hashlib
import sqlite3
import zlib
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from actor_oauth.runtime.address import Address

_FORMAT: Final = "actor backup 1"
_COUNT: Final = "actors"
_INSERTED_AT_ONCE: Final = 1000
# Most of an image is zeros: the first level finds them, at a tenth of the time of others.
_LEVEL: Final = 1
_CACHE_KIBIBYTES: Final = 8192
_SELECT: Final = "SELECT kind, key, due, image, digest FROM actors"

_Row: TypeAlias = tuple[str | int | bytes | None, ...]


class ArchiveError(Exception):
    """A backup cannot be made, or is none, or not a whole one."""


@dataclass(frozen=True, slots=True)
class Saved:
    """One actor in a backup.

    Attributes:
        address: Which.
        due: When it wants to be woken (seconds); None if it does not.
        image: Its database.
    """

    address: Address
    due: int | None
    image: bytes

    @property
    def digest(self) -> bytes:
        """What it is compared with when it is read."""
        hashed = hashlib.sha256(f"{self.address} {self.due}\n".encode())
        # Not joined first: the index of a million users is 50 MB.
        hashed.update(self.image)
        return hashed.digest()


class ArchiveWriter:
    """Writes an archive. All methods block.

    Args:
        path: Of a file that is not there yet.

    Raises:
        sqlite3.Error: If the storage refuses, here and in every method.
    """

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600, exist_ok=False)
        self._db = sqlite3.connect(path, isolation_level=None)
        # The file gets its name when it is complete: until then it need not survive.
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
        self._db.execute("BEGIN")
        self._db.execute(
            "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT) STRICT"
        )
        self._db.execute(
            "CREATE TABLE actors (kind TEXT NOT NULL, key TEXT NOT NULL, due INTEGER,"
            " digest BLOB NOT NULL, image BLOB NOT NULL) STRICT"
        )
        self._count = 0

    def add(self, saved: Saved) -> None:
        """Add an actor."""
        self._db.execute(
            "INSERT INTO actors VALUES (?, ?, ?, ?, ?)",
            (
                saved.address.kind,
                saved.address.key,
                saved.due,
                saved.digest,
                zlib.compress(saved.image, _LEVEL),
            ),
        )
        self._count += 1
        if self._count % _INSERTED_AT_ONCE == 0:
            self._db.execute("COMMIT")
            self._db.execute("BEGIN")

    def finish(self, about: Mapping[str, str]) -> int:
        """Write what there is to say about it; returns how many actors are in it."""
        told = {**about, "format": _FORMAT, _COUNT: str(self._count)}
        self._db.executemany("INSERT INTO about VALUES (?, ?)", told.items())
        self._db.execute("COMMIT")
        return self._count

    def close(self) -> None:
        """Close the file; without `finish` it is no archive."""
        self._db.close()


@dataclass(frozen=True, slots=True)
class Archive:
    """A backup that can be read.

    Attributes:
        path: Where it is.
        about: What it says of itself.
        count: How many actors are in it.
    """

    path: Path
    about: Mapping[str, str]
    count: int

    def actors(self) -> Generator[Saved, None, None]:
        """Give the actors, in the order in which they were copied.

        Raises:
            ArchiveError: If one is not as it was saved, or not all are there.
        """
        found = 0
        # The rows are given up before the file is closed, also where a reader stops.
        with (
            closing(_open(self.path)) as db,
            closing(_query(db, self.path, _SELECT)) as rows,
        ):
            for row in rows:
                saved = _saved(row)
                if saved is None:
                    raise ArchiveError(f"{self.path} is damaged: {row[0]!r}/{row[1]!r}")
                found += 1
                yield saved
        if found != self.count:
            raise ArchiveError(f"{self.path} is damaged: it holds {found} actors")

    def actor(self, address: Address) -> Saved:
        """Give one actor. Reads all of them: there is no index.

        Raises:
            ArchiveError: If it is not there, or not as it was saved.
        """
        sql = f"{_SELECT} WHERE kind = ? AND key = ?"
        which = (address.kind, address.key)
        with closing(_open(self.path)) as db:
            rows = list(_query(db, self.path, sql, which))
        if not rows:
            raise ArchiveError(f"{self.path} does not have {address}")
        saved = _saved(rows[0])
        if saved is None:
            raise ArchiveError(f"{self.path} is damaged: {address}")
        return saved


def open_archive(path: Path) -> Archive:
    """Open a backup.

    Raises:
        ArchiveError: If it is none, or of a format that is not known here.
    """
    sql = "SELECT name, value FROM about"
    with closing(_open(path)) as db, closing(_query(db, path, sql)) as rows:
        about = {str(name): str(value) for name, value in rows}
    if about.get("format") != _FORMAT:
        raise ArchiveError(f"{path} is no backup that this version can read")
    return Archive(path, about, int(about[_COUNT]))


def _open(path: Path) -> sqlite3.Connection:
    try:
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True
        )
    except sqlite3.Error:
        raise ArchiveError(f"{path} cannot be read") from None


def _query(
    db: sqlite3.Connection, path: Path, sql: str, arguments: tuple[str, ...] = ()
) -> Generator[_Row, None, None]:
    try:
        yield from db.execute(sql, arguments)
    except sqlite3.Error as error:
        raise ArchiveError(f"{path} is no backup, or damaged: {error}") from None


def _saved(row: _Row) -> Saved | None:
    """Read a row; None if it is not as it was written."""
    match row:
        case (str(kind), str(key), (int() | None) as due, bytes(packed), bytes(digest)):
            pass
        case _:
            return None
    try:
        saved = Saved(Address(kind, key), due, zlib.decompress(packed))
    except (ValueError, zlib.error):
        return None
    return saved if saved.digest == digest else None
