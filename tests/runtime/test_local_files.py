"""The local engine's files: what is on disk, and what of it can be trusted."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import trio

from actor_oauth.runtime import LocalEngine
from actor_oauth.runtime.local.files import checkpoint, connect, start_log
from actor_oauth.runtime.local.store import CHECKPOINT_COMMITS
from tests.runtime.engine_contract import A, add, opened, see
from tests.support.counter import Counter
from tests.support.disks import FaultyDisk, InlineDisk
from tests.support.files import find, names, open_files, readable_by_others

NORMAL: Final = 1
"""What SQLite calls `synchronous=NORMAL`."""


async def test_a_store_keeps_no_more_files_open_than_it_is_counted_for(
    data: Path,
) -> None:
    engine = LocalEngine(data, disk=InlineDisk())
    async with engine.run(), opened(engine) as store:
        await add(store)
        await engine.make_durable([store])
        checkpoint(data / "actors/counter/ca9/a.db")
        assert (
            open_files(data / "actors")
            == ["a.db", "a.db"] + ["a.db-shm"] + ["a.db-wal"] * 2
        )
    assert open_files(data) == []


async def test_closing_leaves_the_database_alone_in_its_folder(data: Path) -> None:
    engine = LocalEngine(data, disk=InlineDisk())
    async with engine.run():
        async with opened(engine) as store:
            await add(store)
        assert names(data, "a.db*") == ["a.db"]
    assert names(data) == ["a.db", "wakes.db"]


async def test_an_idle_actor_costs_at_most_16_kib(data: Path) -> None:
    engine = LocalEngine(data, disk=InlineDisk())
    async with engine.run(), opened(engine):
        pass
    path = find(data, "a.db")
    assert path.stat().st_size <= 16 * 1024


async def test_only_the_owner_of_the_process_may_read_the_files(data: Path) -> None:
    engine = LocalEngine(data, disk=InlineDisk())
    async with engine.run(), opened(engine):
        assert readable_by_others(data) == []


async def test_the_log_has_begun_before_the_first_turn_so_that_no_turn_syncs_it(
    data: Path,
) -> None:
    engine = LocalEngine(data, disk=InlineDisk())
    async with engine.run(), opened(engine) as store:
        log = find(data, "a.db-wal")
        assert log.stat().st_size == 0
        assert not store.begin()
        await store.wait(to_write=True)
        assert log.stat().st_size > 0
        assert store.begin()
        store.rollback()


async def test_a_long_log_is_moved_into_the_database_and_begun_anew(data: Path) -> None:
    engine = LocalEngine(data, disk=InlineDisk())
    async with engine.run(), opened(engine) as store:
        log = find(data, "a.db-wal")
        for _ in range(CHECKPOINT_COMMITS):
            await add(store)
        size = log.stat().st_size
        assert await engine.make_durable([store]) == {}
        await trio.testing.wait_all_tasks_blocked()
        for _ in range(10):
            await add(store)
        # The frames overwrite the first ones of a log that has been moved.
        assert log.stat().st_size == size
        assert (await see(store))[0] == CHECKPOINT_COMMITS + 10


async def test_while_a_log_is_moved_no_turn_can_be_the_one_to_begin_it(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[bool] = []
    monkeypatch.setattr("actor_oauth.runtime.local.engine.CHECKPOINT_COMMITS", 4)

    def move(path: Path) -> None:
        checkpoint(path)
        began.append(store.begin())

    monkeypatch.setattr("actor_oauth.runtime.local.engine.checkpoint", move)
    engine = LocalEngine(data, disk=InlineDisk())
    async with engine.run(), opened(engine) as store:
        for _ in range(4):
            await add(store)
        assert await engine.make_durable([store]) == {}
        await trio.testing.wait_all_tasks_blocked()
        assert began == [False]
        assert store.begin()
        store.rollback()


async def test_a_checkpoint_that_fails_is_put_off(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("actor_oauth.runtime.local.engine.checkpoint", refuse)
    engine = LocalEngine(data, disk=InlineDisk())
    async with engine.run(), opened(engine) as store:
        for _ in range(CHECKPOINT_COMMITS):
            await add(store)
        assert await engine.make_durable([store]) == {}
        await trio.testing.wait_all_tasks_blocked()
        assert (await see(store))[0] == CHECKPOINT_COMMITS


async def test_a_checkpoint_gives_way_to_a_turn(data: Path) -> None:
    engine = LocalEngine(data, disk=InlineDisk())
    async with engine.run(), opened(engine) as store:
        await add(store)
        assert store.begin()
        checkpoint(data / "actors/counter/ca9/a.db")
        store.rollback()
        assert (await see(store))[0] == 1


async def test_a_checkpoint_leaves_what_a_reader_still_needs(data: Path) -> None:
    engine = LocalEngine(data, disk=InlineDisk())
    async with engine.run(), opened(engine) as store:
        await add(store)
        path = find(data, "a.db")
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        assert reader.execute("SELECT value FROM number").fetchone() == (1,)
        await add(store)
        checkpoint(path)
        assert reader.execute("SELECT value FROM number").fetchone() == (1,)
        reader.close()
        assert (await see(store))[0] == 2


async def test_a_sync_covers_only_what_had_been_seen_when_it_began(data: Path) -> None:
    disk = FaultyDisk()
    one, other = LocalEngine(data, disk=InlineDisk()), LocalEngine(data, disk=disk)
    async with one.run(), other.run(), opened(one) as mine, opened(other) as its:
        await add(mine)
        assert await see(its) == (1, True)
        disk.hold()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(other.make_durable, [its])
            await disk.holds()
            await add(mine)
            assert await see(its) == (2, True)
            disk.let_go()
        assert await see(its) == (2, True)


async def test_a_failed_sync_is_told_and_the_data_written_anew_before_it_is_trusted(
    data: Path,
) -> None:
    disk = FaultyDisk()
    engine = LocalEngine(data, disk=disk)
    async with engine.run():
        store = await engine.open(A, Counter.migrations, create=True)
        assert store is not None
        await add(store)
        # Somebody else keeps the log from being moved when the store is closed.
        path = find(data, "a.db")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("SELECT * FROM number").fetchone()
        disk.failing = {"-wal"}
        failures = await engine.make_durable([store])
        assert list(failures) == [A]
        await engine.discard(store)
        log = find(data, "a.db-wal")
        assert log.stat().st_size > 0
        disk.failing = set()
        async with opened(engine) as store:
            assert log.stat().st_size == 0
            assert await see(store) == (1, False)
        other.close()


async def test_after_a_failed_sync_an_actor_in_use_elsewhere_is_not_trusted_yet(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actor_oauth.runtime.local.files.BUSY_SECONDS", 0.0)
    disk = FaultyDisk()
    engine = LocalEngine(data, disk=disk)
    async with engine.run():
        store = await engine.open(A, Counter.migrations, create=True)
        assert store is not None
        await add(store)
        disk.failing = {"-wal"}
        await engine.make_durable([store])
        path = find(data, "a.db")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN")
        other.execute("SELECT * FROM number").fetchone()
        await engine.discard(store)
        with pytest.raises(OSError, match="another process"):
            await engine.open(A, Counter.migrations, create=False)
        other.close()
        async with opened(engine) as store:
            assert await see(store) == (1, False)


async def test_a_file_that_a_backup_left_without_a_log_gets_one_again(
    data: Path,
) -> None:
    engine = LocalEngine(data, disk=InlineDisk())
    async with engine.run():
        async with opened(engine) as store:
            await add(store)
        path = find(data, "a.db")
        db = sqlite3.connect(path)
        assert db.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
        db.close()
        async with opened(engine) as store:
            assert await see(store) == (1, False)
            await add(store)


async def test_what_is_erased_does_not_stay_in_the_file(data: Path) -> None:
    engine = LocalEngine(data, disk=InlineDisk())
    async with engine.run():
        for sql in (
            "INSERT INTO notes (text) VALUES ('a very secret salt')",
            "DELETE FROM notes",
        ):
            async with opened(engine) as store:
                while not store.begin():
                    await store.wait(to_write=True)
                store.db.execute(sql)
                store.commit()
    path = find(data, "a.db")
    assert b"secret salt" not in path.read_bytes()


async def test_two_processes_that_create_an_actor_at_once_create_one(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = LocalEngine(data, disk=InlineDisk()), LocalEngine(data)
    async with one.run(), other.run():
        link = Path.hardlink_to

        def link_too_late(path: Path, target: Path) -> None:
            link(path, target)
            link(path, target)

        monkeypatch.setattr(Path, "hardlink_to", link_too_late)
        async with opened(one) as mine, opened(other) as its:
            await add(mine)
            assert (await see(its))[0] == 1
        assert names(data, "*.new") == []


async def test_a_folder_whose_name_was_not_confirmed_is_synced_again(
    data: Path,
) -> None:
    disk = FaultyDisk()
    engine = LocalEngine(data, disk=disk)
    async with engine.run():
        disk.failing = {"counter"}
        with pytest.raises(OSError, match="disk fails"):
            await engine.open(A, Counter.migrations, create=True)
        disk.failing = set()
        disk.synced.clear()
        async with opened(engine):
            assert disk.synced[0] == "counter"


async def test_a_log_is_begun_without_a_sync_only_while_it_is_empty(data: Path) -> None:
    engine = LocalEngine(data, disk=InlineDisk())
    async with engine.run(), opened(engine) as store:
        await add(store)
        path = find(data, "a.db")
        before = find(data, "a.db-wal").stat().st_size
        with contextlib.closing(connect(path)) as other, log_of(path) as log:
            start_log(other, log)
            assert find(data, "a.db-wal").stat().st_size == before
            assert other.execute("PRAGMA synchronous").fetchone() == (NORMAL,)


async def test_a_log_that_another_process_begins_is_left_to_it(data: Path) -> None:
    engine = LocalEngine(data, disk=InlineDisk())
    async with engine.run(), opened(engine):
        path = find(data, "a.db")
        with (
            contextlib.closing(connect(path)) as other,
            contextlib.closing(connect(path)) as one,
            log_of(path) as log,
        ):
            other.execute("BEGIN IMMEDIATE")
            one.execute("PRAGMA busy_timeout = 0")
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                start_log(one, log)
            assert one.execute("PRAGMA synchronous").fetchone() == (NORMAL,)
            other.execute("ROLLBACK")


@contextlib.contextmanager
def log_of(path: Path) -> Iterator[int]:
    """The descriptor of an actor's write-ahead log."""
    with path.with_name(path.name + "-wal").open("rb") as file:
        yield file.fileno()
