"""What a SQLite error says about the storage, as against a bug in a turn's SQL."""

import sqlite3
from enum import Enum, auto
from typing import Final


class Fault(Enum):
    """What to do about it."""

    FULL = auto()
    """No room: the turn is rolled back, the actor goes on."""
    UNREADABLE = auto()
    """I/O failed: the activation is dropped, the next call opens the file anew."""
    DAMAGED = auto()
    """The file is not a sound database: the actor is broken until someone restores it."""
    BUSY = auto()
    """Another process holds the database."""


_FAULTS: Final = {
    sqlite3.SQLITE_FULL: Fault.FULL,
    sqlite3.SQLITE_IOERR: Fault.UNREADABLE,
    sqlite3.SQLITE_CANTOPEN: Fault.UNREADABLE,
    sqlite3.SQLITE_READONLY: Fault.UNREADABLE,
    sqlite3.SQLITE_PERM: Fault.UNREADABLE,
    sqlite3.SQLITE_PROTOCOL: Fault.UNREADABLE,
    sqlite3.SQLITE_CORRUPT: Fault.DAMAGED,
    sqlite3.SQLITE_NOTADB: Fault.DAMAGED,
    sqlite3.SQLITE_BUSY: Fault.BUSY,
    sqlite3.SQLITE_LOCKED: Fault.BUSY,
}


def storage_fault(error: sqlite3.Error) -> Fault | None:
    """Which storage fault the error reports, or None if the SQL or its data is wrong."""
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(code, int):
        return None
    # Extended codes keep the primary one in the low byte.
    return _FAULTS.get(code & 0xFF)
