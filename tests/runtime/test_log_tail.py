"""The end of a log: found under the lock, followed over one's own commits, else unknown."""

import itertools
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actor_oauth.runtime.local.files import connect
from actor_oauth.runtime.local.log_frames import HEADER_BYTES, read_header
from actor_oauth.runtime.local.log_tail import (
    MAX_FRAMES_TO_LOOK_AT,
    Copied,
    LogTail,
    copy_commits,
    find_end,
)

pytestmark = pytest.mark.requirement("G3")

NUMBERS: Final = itertools.count()
"""Names of databases: one test makes many."""


@dataclass(frozen=True, slots=True)
class Log:
    """A database with a log, and a descriptor of the log."""

    path: Path
    db: sqlite3.Connection
    descriptor: int

    def commit(self, *sizes: int) -> None:
        """Commit a blob of each size."""
        self.db.execute("BEGIN IMMEDIATE")
        for size in sizes or (1,):
            self.db.execute("INSERT INTO blobs VALUES (randomblob(?))", (size,))
        self.db.execute("COMMIT")


def open_log(path: Path) -> Log:
    """Make a database whose log holds one commit."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA page_size = 512")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE blobs (data BLOB) STRICT")
    db.close()
    log = Log(path, connect(path), -1)
    log.commit()
    return Log(path, log.db, os.open(f"{path}-wal", os.O_RDWR))


@pytest.fixture
def log(memory: Path) -> Iterator[Log]:
    """The log."""
    log = open_log(memory / "a.db")
    yield log
    os.close(log.descriptor)
    log.db.close()


def followed(log: Log) -> LogTail:
    """A tail that a first commit has confirmed."""
    tail = LogTail()
    tail.look(log.descriptor)
    log.commit()
    tail.committed()
    pending = tail.pending()
    assert not pending.may_be_copied
    tail.made_durable(pending, copy_commits(log.descriptor, pending))
    assert tail.pending().may_be_copied
    return tail


def frames(log: Log, copied: Copied) -> int:
    """How many frames have been copied."""
    header = read_header(os.pread(log.descriptor, HEADER_BYTES, 0))
    assert header is not None
    return len(copied.data) // header.frame_bytes


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(
        st.lists(
            st.lists(st.integers(0, 4000), min_size=1, max_size=3),
            min_size=1,
            max_size=4,
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_what_is_copied_brings_back_what_the_log_has_lost(
    memory: Path, batches: list[list[list[int]]]
) -> None:
    number = next(NUMBERS)
    log = open_log(memory / f"{number}.db")
    try:
        tail = followed(log)
        before = Path(f"{log.path}-wal").read_bytes()[: _end(tail)]
        copies = []
        for batch in batches:
            for sizes in batch:
                log.commit(*sizes)
                tail.committed()
            pending = tail.pending()
            assert pending.may_be_copied
            copied = copy_commits(log.descriptor, pending)
            assert copied is not None
            tail.made_durable(pending, copied)
            copies.append(copied)
        put_back = bytearray(before)
        for copied in copies:
            assert copied.offset == len(put_back)
            put_back += copied.data
        left = memory / f"{number}-left.db"
        left.write_bytes(log.path.read_bytes())
        Path(f"{left}-wal").write_bytes(put_back)
        with sqlite3.connect(left) as recovered:
            found = recovered.execute("SELECT data FROM blobs").fetchall()
        recovered.close()
        assert found == log.db.execute("SELECT data FROM blobs").fetchall()
    finally:
        os.close(log.descriptor)
        log.db.close()


def _end(tail: LogTail) -> int:
    position = tail.pending().position
    assert position is not None
    return position.end


def test_the_end_of_no_log_is_unknown(memory: Path, log: Log) -> None:
    for data in (b"", b"x" * 32, os.pread(log.descriptor, 31, 0)):
        path = memory / "other"
        path.write_bytes(data)
        descriptor = os.open(path, os.O_RDONLY)
        assert find_end(descriptor) is None
        os.close(descriptor)


def test_a_damaged_header_is_no_header(log: Log) -> None:
    data = bytearray(os.pread(log.descriptor, HEADER_BYTES, 0))
    assert read_header(bytes(data)) is not None
    data[12] ^= 1
    assert read_header(bytes(data)) is None


def test_a_long_log_is_not_looked_at_again_until_a_checkpoint(log: Log) -> None:
    for _ in range(MAX_FRAMES_TO_LOOK_AT):
        log.commit()
    tail = LogTail()
    tail.look(log.descriptor)
    assert tail.pending().position is None
    log.db.execute("PRAGMA wal_checkpoint(PASSIVE)")
    log.commit()
    tail.look(log.descriptor)
    assert tail.pending().position is None
    tail.look_again()
    tail.look(log.descriptor)
    assert tail.pending().position is not None


def test_what_was_rolled_back_is_written_over(log: Log) -> None:
    tail = followed(log)
    # More than the cache holds, so that SQLite writes frames before there is a commit.
    log.db.execute("BEGIN IMMEDIATE")
    for _ in range(200):
        log.db.execute("INSERT INTO blobs VALUES (randomblob(4000))")
    log.db.execute("ROLLBACK")
    log.commit(3000)
    tail.committed()
    copied = copy_commits(log.descriptor, tail.pending())
    assert copied is not None
    assert 5 < frames(log, copied) < 20


def test_a_commit_larger_than_a_chunk_is_copied_whole(log: Log) -> None:
    tail = followed(log)
    log.commit(100_000)
    tail.committed()
    copied = copy_commits(log.descriptor, tail.pending())
    assert copied is not None
    assert frames(log, copied) > 150


def test_a_log_that_began_anew_has_nothing_to_copy(log: Log) -> None:
    tail = followed(log)
    log.db.execute("PRAGMA wal_checkpoint(PASSIVE)")
    log.commit()
    tail.committed()
    pending = tail.pending()
    assert copy_commits(log.descriptor, pending) is None
    tail.made_durable(pending, None)
    assert tail.pending().position is None
    assert copy_commits(log.descriptor, tail.pending()) is None


def test_commits_that_are_not_there_are_not_copied(log: Log) -> None:
    tail = followed(log)
    tail.committed()
    assert copy_commits(log.descriptor, tail.pending()) is None
    # Nor if there are frames of an earlier beginning of the log.
    for _ in range(20):
        log.commit(2000)
    log.db.execute("PRAGMA wal_checkpoint(PASSIVE)")
    log.commit()
    tail = LogTail()
    tail.look(log.descriptor)
    tail.committed()
    assert copy_commits(log.descriptor, tail.pending()) is None


def test_an_end_that_sqlite_does_not_go_on_from_is_not_believed(log: Log) -> None:
    tail = LogTail()
    tail.look(log.descriptor)
    # The commit that the look has taken for the last one is written over, as that of a
    # process that was killed before it had told the others.
    log.commit()
    log.commit()
    tail.committed()
    position = tail.pending().position
    assert position is not None
    data = os.pread(log.descriptor, 8, position.end + 16)
    os.pwrite(log.descriptor, bytes(byte ^ 1 for byte in data), position.end + 16)
    assert copy_commits(log.descriptor, tail.pending()) is None


def test_another_connections_commit_makes_the_end_unknown(log: Log) -> None:
    tail = followed(log)
    pending = tail.pending()
    copied = copy_commits(log.descriptor, pending)
    tail.lose()
    tail.made_durable(pending, copied)
    assert not tail.pending().may_be_copied


def test_a_batch_of_thousands_of_frames_is_not_copied(log: Log) -> None:
    tail = followed(log)
    log.commit(3_000_000)
    tail.committed()
    assert copy_commits(log.descriptor, tail.pending()) is None
