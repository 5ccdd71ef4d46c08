"""The redo log: a batch needs one sync, and what a power failure takes is put back."""

import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog.testing
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actor_oauth.runtime import ActorSystem, Address, NotDurableError
from actor_oauth.runtime.local import Disk
from actor_oauth.runtime.local.engine import LocalEngine
from actor_oauth.runtime.local.files import ActorFiles
from actor_oauth.runtime.local.locked_file import orphans
from actor_oauth.runtime.local.log_tail import Copied
from actor_oauth.runtime.local.redo_log import SEGMENT_SECONDS
from actor_oauth.runtime.local.redo_records import (
    Record,
    boot_of,
    decode,
    encode,
    file_head,
)
from actor_oauth.runtime.local.redo_recovery import recover
from actor_oauth.runtime.local.store import LocalStore, Mark
from tests.support.callers import Caller
from tests.support.counter import Counter
from tests.support.disks import FaultyDisk, PowerLossDisk
from tests.support.files import find, names, write
from tests.support.processes import actor_process
from tests.support.systems import open_counters

pytestmark = pytest.mark.requirement("G3")

KEYS = ["a", "b", "c"]


async def count_all(system: ActorSystem, nursery: trio.Nursery) -> list[int]:
    """Count in each counter at the same time."""
    turns = [Caller(nursery, system.get(Counter, key).add(1)) for key in KEYS]
    return [await turn.answer() for turn in turns]


@pytest.fixture
def disk() -> FaultyDisk:
    """The disk."""
    return FaultyDisk()


@pytest.fixture
async def system(data: Path, disk: FaultyDisk) -> AsyncIterator[ActorSystem]:
    """A system whose next batch goes into the redo log."""
    async with open_counters(data, disk=disk) as system:
        for key in KEYS:
            await system.get(Counter, key).add(1)
        disk.synced.clear()
        yield system
        disk.failing.clear()


def synced(disk: FaultyDisk) -> list[str]:
    """The kinds of the files that were synced."""
    return [name.rpartition(".")[2] for name in disk.synced]


async def test_a_batch_is_one_sync(
    system: ActorSystem, disk: FaultyDisk, nursery: trio.Nursery
) -> None:
    assert await count_all(system, nursery) == [2, 2, 2]
    assert synced(disk) == ["redo"]


async def test_a_single_turn_syncs_its_own_log_and_the_next_batch_is_copied(
    system: ActorSystem, disk: FaultyDisk, nursery: trio.Nursery
) -> None:
    await system.get(Counter, "a").add(1)
    assert synced(disk) == ["db-wal"]
    assert await count_all(system, nursery) == [3, 2, 2]
    assert synced(disk) == ["db-wal", "redo"]


async def test_a_redo_log_that_fails_costs_no_answer(
    system: ActorSystem, disk: FaultyDisk, nursery: trio.Nursery
) -> None:
    disk.failing = {".redo"}
    assert await count_all(system, nursery) == [2, 2, 2]
    assert synced(disk)[:4] == ["redo", *["db-wal"] * 3]
    disk.failing.clear()
    disk.synced.clear()
    # A disk that failed once is not asked again.
    assert await count_all(system, nursery) == [3, 3, 3]
    assert "redo" not in synced(disk)


async def test_where_redo_log_and_log_fail_only_that_actor_is_refused(
    system: ActorSystem, disk: FaultyDisk, nursery: trio.Nursery
) -> None:
    disk.failing = {".redo", "a.db-wal"}
    turns = [Caller(nursery, system.get(Counter, key).add(1)) for key in KEYS]
    with pytest.raises(NotDurableError):
        await turns[0].answer()
    assert [await turn.answer() for turn in turns[1:]] == [2, 2]


async def test_commits_that_cannot_be_read_back_are_synced_where_they_are(
    system: ActorSystem,
    disk: FaultyDisk,
    nursery: trio.Nursery,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read, faults = LocalStore.copy_commits, [OSError("unreadable")]

    def fail_at_first(store: LocalStore, mark: Mark) -> Copied | None:
        if faults:
            raise faults.pop()
        return read(store, mark)

    monkeypatch.setattr(LocalStore, "copy_commits", fail_at_first)

    assert await count_all(system, nursery) == [2, 2, 2]
    assert synced(disk) == ["redo", "db-wal"]


async def test_what_another_connection_has_committed_is_synced_in_its_log(
    data: Path, system: ActorSystem, disk: FaultyDisk, nursery: trio.Nursery
) -> None:
    other = sqlite3.connect(find(data, "a.db"), isolation_level=None)
    other.execute("UPDATE number SET value = 10")
    assert await count_all(system, nursery) == [11, 2, 2]
    assert sorted(synced(disk)) == ["db-wal", "redo"]
    other.close()


async def test_a_log_that_begins_anew_is_synced_and_then_copied_again(
    data: Path, system: ActorSystem, disk: FaultyDisk, nursery: trio.Nursery
) -> None:
    # A complete checkpoint, after which the next turn begins the log.
    other = sqlite3.connect(find(data, "a.db"), isolation_level=None)
    other.execute("PRAGMA wal_checkpoint(PASSIVE)")
    other.close()
    assert await count_all(system, nursery) == [2, 2, 2]
    assert sorted(synced(disk)) == ["db-wal", "redo"]


async def test_after_a_checkpoint_of_its_own_an_actor_is_copied_again(
    data: Path,
    disk: FaultyDisk,
    nursery: trio.Nursery,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actor_oauth.runtime.local.engine.CHECKPOINT_COMMITS", 4)
    async with open_counters(data, disk=disk) as system:
        for number in range(1, 12):
            assert await count_all(system, nursery) == [number] * 3
        disk.synced.clear()
        batches = 0
        while "redo" not in synced(disk):
            await count_all(system, nursery)
            batches += 1
        assert batches < 8


async def test_segments_go_once_their_logs_are_synced_and_nothing_is_lost(
    data: Path,
    tmp_path: Path,
    nursery: trio.Nursery,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actor_oauth.runtime.local.redo_log.SEGMENT_BYTES", 20_000)
    disk = PowerLossDisk(data)
    async with open_counters(data, disk=disk) as system:
        for number in range(1, 21):
            assert await count_all(system, nursery) == [number] * 3
            disk.leave(tmp_path / str(number))
        (segment,) = names(data / "redo")
        assert not segment.endswith("-1.redo")
    assert names(data / "redo") == []
    for number in range(1, 21):
        async with open_counters(tmp_path / str(number)) as system:
            values = [await system.get(Counter, key).value() for key in KEYS]
            assert values == [number] * 3


def holders(root: Path, text: str) -> list[str]:
    """The kinds of the files below a folder in which a text stands."""
    found = (path for path in root.rglob("*") if path.is_file())
    return [path.suffix for path in found if text.encode() in path.read_bytes()]


async def test_what_was_erased_stands_in_no_file_when_an_idle_hour_is_over(
    data: Path, disk: FaultyDisk, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async with open_counters(data, disk=disk) as system:
        await count_all(system, nursery)
        counters = [system.get(Counter, key) for key in KEYS]
        for note in [*(Caller(nursery, each.note("a secret")) for each in counters)]:
            await note.answer()
        assert ".redo" in holders(data, "a secret")
        for each in counters:
            await each.do(lambda inside: inside.db.execute("DELETE FROM notes").close())
        await trio.sleep(SEGMENT_SECONDS)
        await wait_all_tasks_blocked()
        assert holders(data, "a secret") == []
        # An hour later there is nothing in it, and it stays as it is.
        before = names(data / "redo")
        await trio.sleep(SEGMENT_SECONDS)
        await wait_all_tasks_blocked()
        assert names(data / "redo") == before


async def test_an_old_segment_that_has_no_successor_goes_on(
    system: ActorSystem,
    data: Path,
    disk: FaultyDisk,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    await count_all(system, nursery)
    before = names(data / "redo")
    disk.failing = {".new"}
    await trio.sleep(SEGMENT_SECONDS)
    await wait_all_tasks_blocked()
    disk.failing.clear()
    assert names(data / "redo") == before
    disk.synced.clear()
    assert await count_all(system, nursery) == [3, 3, 3]
    await trio.sleep(SEGMENT_SECONDS)
    await wait_all_tasks_blocked()
    assert names(data / "redo") != before


async def test_a_segment_whose_logs_cannot_be_synced_stays(
    data: Path,
    disk: FaultyDisk,
    nursery: trio.Nursery,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actor_oauth.runtime.local.redo_log.SEGMENT_BYTES", 1)
    async with open_counters(data, disk=disk) as system:
        for key in KEYS:
            await system.get(Counter, key).add(1)
        disk.failing = {"a.db-wal"}
        assert await count_all(system, nursery) == [2, 2, 2]
        assert await count_all(system, nursery) == [3, 3, 3]
        assert len(names(data / "redo")) > 1
        disk.failing.clear()


async def test_a_segment_that_cannot_be_begun_ends_the_redo_log_and_no_turn(
    data: Path,
    disk: FaultyDisk,
    nursery: trio.Nursery,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actor_oauth.runtime.local.redo_log.SEGMENT_BYTES", 1)
    async with open_counters(data, disk=disk) as system:
        for key in KEYS:
            await system.get(Counter, key).add(1)
        disk.failing = {".new"}
        assert await count_all(system, nursery) == [2, 2, 2]
        disk.synced.clear()
        assert await count_all(system, nursery) == [3, 3, 3]
        assert "redo" not in synced(disk)


async def test_a_redo_log_that_cannot_be_made_is_refused_at_the_start(
    data: Path, disk: FaultyDisk
) -> None:
    disk.failing = {"redo"}
    with pytest.raises(OSError, match="disk fails"):
        async with LocalEngine(data, disk=disk).run():
            pass
    assert names(data / "live") == []


async def test_the_redo_log_of_a_process_that_was_killed_is_taken_over(
    data: Path,
) -> None:
    async with actor_process(data) as process:
        for key in KEYS:
            await process.number("value", key)
            await process.tell("hammer", key)
        while len(process.told) < 60:
            await process.hear()
        process.kill()
    assert len(names(data / "redo")) == 1
    async with open_counters(data, disk=Disk()):
        assert len(names(data / "redo")) == 1
        assert str(os.getpid()) in names(data / "redo")[0]


def a_log(folder: Path, salts: bytes, rest: bytes) -> Path:
    """Something with the salts of a log."""
    path = ActorFiles(folder, FaultyDisk()).log_path(X)
    write(path, bytes(16) + salts + bytes(8) + rest)
    return path


X = Address("counter", "x")
Y = Address("counter", "y")
HEAD = 32


def recovered(folder: Path, redo: bytes, *, boot: str | None = "now") -> FaultyDisk:
    """Recover from a redo log that a dead process has left."""
    write(folder / "redo" / "1.redo", redo)
    disk = FaultyDisk()
    recover(folder / "redo", boot=boot, files=ActorFiles(folder, disk))
    return disk


@pytest.mark.parametrize("boot", ["now", None])
def test_after_a_power_failure_commits_are_put_back_in_order(
    memory: Path, boot: str | None
) -> None:
    log = a_log(memory, b"saltsalt", b"")
    records = [Record(X, b"saltsalt", HEAD, b"one"), Record(X, b"saltsalt", 35, b"two")]
    disk = recovered(memory, file_head("before") + encode(records), boot=boot)
    assert log.read_bytes()[HEAD:] == b"onetwo"
    assert disk.synced == ["x.db-wal"]
    assert names(memory / "redo") == []


def test_after_a_crash_in_the_same_run_logs_are_synced_and_not_written(
    memory: Path,
) -> None:
    log = a_log(memory, b"saltsalt", b"new")
    record = Record(X, b"saltsalt", HEAD, b"old")
    disk = recovered(memory, file_head("now") + encode([record]))
    assert log.read_bytes()[HEAD:] == b"new"
    assert disk.synced == ["x.db-wal"]


def test_a_log_that_has_begun_anew_since_is_left_alone(memory: Path) -> None:
    log = a_log(memory, b"newsalts", b"new")
    recovered(
        memory,
        file_head("before") + encode([Record(X, b"oldsalts", HEAD, b"old")]),
    )
    assert log.read_bytes()[HEAD:] == b"new"


def test_one_damaged_file_keeps_nobody_from_starting(memory: Path) -> None:
    """No process could start any more, whatever the others' files were like."""
    log = a_log(memory, b"saltsalt", b"new")
    files = ActorFiles(memory, FaultyDisk())
    write(files.path(Y), b"no database")
    files.suspects.add(Y)
    records = [Record(one, b"saltsalt", HEAD, b"old") for one in (Y, X)]
    with structlog.testing.capture_logs() as logged:
        disk = recovered(memory, file_head("now") + encode(records))
    assert disk.synced == [log.name]
    # It is tried again at the next start.
    assert names(memory / "redo") == ["1.redo"]
    (line,) = logged
    assert (line["event"], line["log_level"]) == ("redo log kept", "error")
    assert "counter/y" in line["error"]


def test_a_log_that_is_gone_stays_gone(memory: Path) -> None:
    recovered(
        memory,
        file_head("before") + encode([Record(X, b"oldsalts", HEAD, b"old")]),
    )
    assert names(memory) == []


@pytest.mark.parametrize("cut", [1, 20, 30])
def test_a_record_that_a_crash_has_cut_short_is_no_record(cut: int) -> None:
    good, torn = (Record(X, b"saltsalt", offset, b"data") for offset in (32, 36))
    data = file_head("now") + encode([good, torn])
    assert list(decode(data[:-cut])) == [good]
    garbled = bytearray(data)
    garbled[-cut] ^= 1
    assert list(decode(bytes(garbled))) == [good]
    assert list(decode(data + b"\0" * 100)) == [good, torn]


def test_a_file_that_is_no_redo_log_is_of_no_run() -> None:
    assert boot_of(b"something else") is None
    assert list(decode(b"something else")) == []


def test_the_redo_log_of_a_living_process_is_left_to_it(memory: Path) -> None:
    write(memory / "redo" / "2.redo", file_head("before"))
    descriptor = os.open(memory / "redo" / "2.redo", os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    recovered(memory, file_head("before"))
    assert names(memory / "redo") == ["2.redo"]
    os.close(descriptor)


def test_a_redo_log_that_its_process_ends_meanwhile_is_left_to_it(
    memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(memory / "1.redo", file_head("now"))
    lock = fcntl.flock

    def end_and_lock(descriptor: int, operation: int) -> None:
        (memory / "1.redo").unlink()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", end_and_lock)
    assert list(orphans(memory, "*.redo")) == []


def test_without_the_kernels_word_no_run_is_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert Disk().boot() is not None
    monkeypatch.setattr("actor_oauth.runtime.local.disk._BOOT_ID", tmp_path / "none")
    assert Disk().boot() is None
