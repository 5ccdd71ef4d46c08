"""The runtime's own tables in each actor's database, and how schemas move on.

`PRAGMA user_version` counts the steps that a file has taken, so that opening one that is
up to date costs a single read.
"""

import sqlite3
from functools import lru_cache

import sqlite_utils
from sqlite_utils.migrations import Migrations

RUNTIME_MIGRATIONS = Migrations("actor_oauth.runtime")


@RUNTIME_MIGRATIONS()
def m0001_alarm_outbox_inbox(db: sqlite_utils.Database) -> None:
    """The alarm and counters, messages to deliver, and what has been received."""
    db.execute(
        "CREATE TABLE _runtime (name TEXT PRIMARY KEY, value INTEGER NOT NULL)"
        " STRICT, WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE _outbox (seq INTEGER PRIMARY KEY, target TEXT NOT NULL,"
        " turn TEXT NOT NULL, payload TEXT NOT NULL) STRICT"
    )
    db.execute(
        "CREATE TABLE _inbox (source TEXT PRIMARY KEY, seq INTEGER NOT NULL)"
        " STRICT, WITHOUT ROWID"
    )


def steps(migrations: Migrations) -> int:
    """How many steps a database of this kind has taken when it is up to date."""
    memory = sqlite3.connect(":memory:")
    try:
        db = sqlite_utils.Database(memory)
        return len(RUNTIME_MIGRATIONS.pending(db)) + len(migrations.pending(db))
    finally:
        memory.close()


def is_current(connection: sqlite3.Connection, goal: int) -> bool:
    """Whether `migrate` has nothing to do: a single read.

    Raises:
        sqlite3.DatabaseError: As for `migrate`.
    """
    return _version(connection, goal) == goal


def migrate(connection: sqlite3.Connection, migrations: Migrations, goal: int) -> None:
    """Bring a database to the newest schema; a no-op where it is there already.

    All of its steps are one transaction, so that several processes may try at once, and
    a crash leaves no half-migrated file.

    Args:
        connection: In autocommit mode.
        migrations: The actor kind's.
        goal: What `steps` says of them.

    Raises:
        sqlite3.DatabaseError: If the file was written by a newer version.
        Exception: What a migration raises.
    """
    if is_current(connection, goal):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been faster.
        if _version(connection, goal) < goal:
            db = sqlite_utils.Database(connection, recursive_triggers=False)
            RUNTIME_MIGRATIONS.apply(db)
            migrations.apply(db)
            connection.execute(f"PRAGMA user_version = {goal:d}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection, goal: int) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    assert isinstance(version, int)
    if version > goal:
        raise sqlite3.DatabaseError(
            f"its schema is at step {version}, newer than this version's {goal}:"
            " run the version that wrote it, or a later one"
        )
    return version


def wanted_at(connection: sqlite3.Connection) -> int | None:
    """When an actor that is not in memory wants to be woken (seconds), if ever.

    Source: what `RunningTurn` writes: an alarm, or messages that wait for delivery.
    """
    row: tuple[int | None] = connection.execute(
        "SELECT iif(EXISTS (SELECT 1 FROM _outbox), 0,"
        " (SELECT value FROM _runtime WHERE name = 'alarm'))"
    ).fetchone()
    return row[0]


@lru_cache(maxsize=64)
def empty_image(migrations: Migrations, goal: int, *, page_size: int = 512) -> bytes:
    """A migrated, empty database as bytes: what a new actor's file starts as.

    Copying it is some thirty times faster than running the schema, which is done once in
    a process. Small pages, since an idle actor should cost little on disk.
    """
    memory = sqlite3.connect(":memory:", isolation_level=None)
    try:
        memory.execute(f"PRAGMA page_size = {page_size:d}")
        migrate(memory, migrations, goal)
        # Every migration leaves pages of the schema itself half empty.
        memory.execute("VACUUM")
        return memory.serialize()
    finally:
        memory.close()


def open_image(image: bytes) -> sqlite3.Connection:
    """An in-memory database from `empty_image`'s bytes, in autocommit mode."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    memory.deserialize(image)
    return memory
