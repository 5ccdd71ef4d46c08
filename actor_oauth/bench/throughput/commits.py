"""A bare SQLite commit loop: what the disk allows a single writer.

    python -m actor_oauth.bench.throughput.commits FOLDER SECONDS

Prints how many transactions per second one process put on stable storage, one after the
other, each of the size that a refresh writes.
"""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from time import monotonic


def commits_per_second(folder: Path, seconds: float) -> float:
    """Commit for so long.

    Args:
        folder: Where the database goes.
        seconds: How long.
    """
    path = folder / "commits.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA page_size = 1024")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute(
            "CREATE TABLE IF NOT EXISTS chain"
            " (id INTEGER PRIMARY KEY, hash BLOB, used_at INTEGER) STRICT"
        )
        begun, count = monotonic(), 0
        while monotonic() < begun + seconds:
            _turn(db, count)
            count += 1
        return count / (monotonic() - begun)


def _turn(db: sqlite3.Connection, number: int) -> None:
    """Do what a refresh does: read a row, move it on, remember the old one."""
    db.execute("BEGIN IMMEDIATE")
    db.execute("SELECT hash, used_at FROM chain WHERE id = 0").fetchone()
    db.execute("INSERT OR REPLACE INTO chain VALUES (0, ?, ?)", (b"h" * 32, number))
    db.execute(
        "INSERT OR REPLACE INTO chain VALUES (?, ?, ?)",
        (1 + number % 8, b"g" * 32, number),
    )
    db.execute("COMMIT")


if __name__ == "__main__":
    found = commits_per_second(Path(sys.argv[1]), float(sys.argv[2]))
    sys.stdout.write(f"{found}\n")
