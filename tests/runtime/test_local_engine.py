"""The local engine: the contract of engines, limits, and wake-ups that must not be lost."""

import resource
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import trio

from actor_oauth.runtime import Address, LocalEngine, Store
from actor_oauth.runtime.local import Disk, files_beside_stores
from tests.runtime.engine_contract import (
    A,
    EngineContract,
    MakeEngine,
    add,
    opened,
    see,
)
from tests.support.counter import Counter
from tests.support.disks import FaultyDisk, InlineDisk
from tests.support.files import names, no_index, open_files, write

R = TypeVar("R")


@pytest.fixture(params=[Disk, InlineDisk])
def make_engine(request: pytest.FixtureRequest, data: Path) -> MakeEngine:
    """Engines on one data directory, with threads and without."""
    disk: Callable[[], Disk] = request.param
    return lambda: LocalEngine(data, disk=disk())


class TestLocalEngine(EngineContract):
    """The contract."""


@pytest.fixture
def file_limit() -> Iterator[None]:
    """The limit of open files, put back afterwards."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("file_limit")
async def test_the_limit_of_open_files_is_raised_and_bounds_the_stores(
    data: Path,
) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (600, hard))
    engine = LocalEngine(data, disk=InlineDisk())
    assert engine.max_activations == (600 - 512) // 5
    assert files_beside_stores(17) == files_beside_stores(700) == 600 - 17 * 5
    assert files_beside_stores(1) == 600 - 5
    async with engine.run():
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 600
        assert engine.max_activations > 1000


async def test_without_a_limit_of_open_files_there_is_still_one_of_stores(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda _: unlimited)
    engine = LocalEngine(data, disk=InlineDisk())
    async with engine.run():
        assert 1000 < engine.max_activations < 1 << 16


async def test_a_data_directory_that_cannot_be_written_is_refused_at_the_start(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").write_text("a file")
    engine = LocalEngine(tmp_path / "data", disk=InlineDisk())
    with pytest.raises(OSError, match="exists"):
        async with engine.run():
            pass
    assert open_files(tmp_path) == []


async def test_a_damaged_index_of_wake_ups_is_refused_at_the_start(data: Path) -> None:
    write(data / "wakes.db", b"no database " * 100)
    engine = LocalEngine(data, disk=InlineDisk())
    with pytest.raises(sqlite3.DatabaseError):
        async with engine.run():
            pass
    assert open_files(data) == []


async def test_a_journal_that_cannot_be_made_is_refused_at_the_start(
    data: Path,
) -> None:
    disk = FaultyDisk()
    disk.failing = {"live"}
    engine = LocalEngine(data, disk=disk)
    with pytest.raises(OSError, match="disk fails"):
        async with engine.run():
            pass
    assert open_files(data) == []
    assert names(data / "live") == []


async def test_the_wake_up_of_a_discarded_actor_survives_an_index_out_of_order(
    data: Path,
) -> None:
    engine = LocalEngine(data, disk=InlineDisk())
    async with engine.run():
        store = await engine.open(A, Counter.migrations, create=True)
        assert store is not None
        await add(store)
        with no_index(data):
            await engine.discard(store)
            with pytest.raises(sqlite3.OperationalError):
                await engine.due_wakes(0)
        # Once the index is in order again it is told, by this process or the next.
        assert [wake.address for wake in await engine.due_wakes(0)] == [A]


async def test_a_process_that_could_not_note_a_wake_up_leaves_its_journal(
    data: Path,
) -> None:
    for closed_again in (False, True):
        engine = LocalEngine(data, disk=InlineDisk())
        async with engine.run():
            await engine.forget_wakes(await engine.due_wakes(0))
            store = await engine.open(A, Counter.migrations, create=True)
            assert store is not None
            await add(store)
            with no_index(data):
                await engine.discard(store)
            if closed_again:
                async with opened(engine) as store:
                    await add(store)
        assert (names(data / "live") == []) is closed_again


async def test_a_store_whose_wake_up_cannot_be_noted_stays_open(data: Path) -> None:
    engine = LocalEngine(data, disk=InlineDisk())
    async with engine.run():
        stores = []
        for key in ("a", "b"):
            address = Address("counter", key)
            store = await engine.open(address, Counter.migrations, create=True)
            assert store is not None
            await add(store)
            stores.append(store)
        with no_index(data):
            kept = await engine.close([(stores[0], 100), (stores[1], None)])
        assert list(kept) == [A]
        assert open_files(data / "actors").count("b.db") == 0
        assert (await see(stores[0]))[0] == 1
        assert await engine.close([(stores[0], 100)]) == {}


class CountingDisk(InlineDisk):
    """A disk that counts how much is waited for at once."""

    def __init__(self) -> None:
        self.waiting = 0
        self.most = 0
        self.cancelled = trio.CancelScope()

    async def offload(
        self, work: Callable[[], R], *, limiter: trio.CapacityLimiter | None = None
    ) -> R:
        """Count it, and let others come in between."""
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        if self.waiting > 1:
            self.cancelled.cancel()
        await trio.testing.wait_all_tasks_blocked()
        self.waiting -= 1
        return work()


async def test_stores_that_are_closed_together_wait_for_the_disk_side_by_side(
    data: Path,
) -> None:
    disk = CountingDisk()
    engine = LocalEngine(data, disk=disk)
    async with engine.run():
        stores: list[tuple[Store, int | None]] = []
        for number in range(20):
            address = Address("counter", f"n{number}")
            store = await engine.open(address, Counter.migrations, create=True)
            assert store is not None
            stores.append((store, None))
        assert disk.most == 1
        with disk.cancelled:
            # Cancelled while they wait, they are closed all the same, and once.
            await engine.close(stores)
        assert disk.most == 3
        assert open_files(data / "actors") == []
        assert not engine._in_care()
