"""What one process could not sync, no process trusts before it has been written anew.

Linux tells of a failed sync once to each open file, so that a process which opens the log
later syncs it in vain: here a disk that fails, and beside it one that never does.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actor_oauth.runtime import LocalEngine, Store
from actor_oauth.runtime.local.files import ActorFiles
from actor_oauth.runtime.local.suspects import Suspects
from tests.runtime.engine_contract import A, B, add, opened, see
from tests.support.counter import Counter
from tests.support.disks import FaultyDisk, InlineDisk
from tests.support.files import find, names, write

pytestmark = pytest.mark.requirement("G3")


@pytest.fixture
def disk() -> FaultyDisk:
    """The disk of the process that is told."""
    return FaultyDisk()


@pytest.fixture
async def told(data: Path, disk: FaultyDisk) -> AsyncIterator[LocalEngine]:
    """A process that is told when a sync fails."""
    engine = LocalEngine(data, disk=disk)
    async with engine.run():
        yield engine


@pytest.fixture
async def other(data: Path, told: LocalEngine) -> AsyncIterator[LocalEngine]:
    """A process that is not."""
    engine = LocalEngine(data, disk=InlineDisk())
    async with engine.run():
        yield engine


@pytest.fixture
async def store(told: LocalEngine) -> AsyncIterator[Store]:
    """A store of the first process."""
    store = await told.open(A, Counter.migrations, create=True)
    assert store is not None
    yield store
    await told.discard(store)


async def fail(engine: LocalEngine, store: Store, disk: FaultyDisk) -> None:
    """Commit something that cannot be synced."""
    await add(store)
    disk.failing = {"a.db-wal"}
    assert list(await engine.make_durable([store])) == [A]
    disk.failing.clear()


async def test_another_process_writes_it_anew_before_it_trusts_it(
    data: Path, told: LocalEngine, other: LocalEngine, store: Store, disk: FaultyDisk
) -> None:
    await fail(told, store, disk)
    async with opened(other) as its:
        assert find(data, "a.db-wal").stat().st_size == 0
        assert await see(its) == (1, False)
        await add(its)
    assert names(data / "suspects") == []
    # Once is enough.
    async with opened(other) as its:
        assert find(data, "a.db-wal").stat().st_size > 0


async def test_a_process_that_opened_it_a_moment_before_does_not_trust_its_first_sync(
    told: LocalEngine, other: LocalEngine, store: Store, disk: FaultyDisk
) -> None:
    its = await other.open(A, Counter.migrations, create=False)
    assert its is not None
    await fail(told, store, disk)
    assert await see(its) == (1, True)
    assert list(await other.make_durable([its])) == [A]
    await other.discard(its)
    async with opened(other) as its:
        assert await see(its) == (1, False)


async def test_a_log_that_stays_when_its_store_is_closed_is_synced(
    data: Path, told: LocalEngine, other: LocalEngine, disk: FaultyDisk
) -> None:
    async with opened(other):
        async with opened(told) as store:
            await add(store)
            assert await told.make_durable([store]) == {}
            disk.synced.clear()
        assert disk.synced == ["a.db-wal"]
        assert names(data / "suspects") == []
        async with opened(told) as store:
            await add(store)
            assert await told.make_durable([store]) == {}
            disk.failing = {"a.db-wal"}
        assert names(data / "suspects") == ["counter.a"]
        disk.failing.clear()
    async with opened(told):
        assert names(data / "suspects") == []


async def test_a_redo_log_that_covers_it_goes_only_once_it_was_written_anew(
    data: Path, told: LocalEngine, store: Store, disk: FaultyDisk
) -> None:
    await fail(told, store, disk)
    log = find(data, "a.db-wal")
    size = log.stat().st_size
    disk.synced.clear()
    ActorFiles(data, disk).sync_logs({A})
    assert log.stat().st_size == 0 < size
    assert disk.synced == []


def test_a_log_whose_sync_fails_is_suspect_to_all(data: Path, disk: FaultyDisk) -> None:
    files = ActorFiles(data, disk)
    write(files.log_path(A), b"a log")
    disk.failing = {"-wal"}
    with pytest.raises(OSError, match="disk fails"):
        files.sync_logs({A})
    assert A in ActorFiles(data, disk).suspects
    # Somebody has deleted the actor's file: there is nothing to write.
    files.sync_logs({A})


def test_what_cannot_be_written_anew_stays_suspect(
    data: Path, disk: FaultyDisk
) -> None:
    files = ActorFiles(data, disk)
    write(files.path(A), b"no database")
    files.suspects.add(A)
    with pytest.raises(OSError, match="counter/a"):
        files.sync_logs({A})
    assert A in files.suspects


def test_a_suspect_that_cannot_be_noted_is_one_to_this_process_at_least(
    data: Path,
) -> None:
    write(data / "suspects", b"a file where the folder belongs")
    suspects = Suspects(data / "suspects")
    suspects.add(A)
    assert A in suspects
    assert B not in suspects
