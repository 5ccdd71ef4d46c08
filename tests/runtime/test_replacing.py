"""One damaged actor comes back from a backup; nobody else is touched."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils.migrations import Migrations

from actor_oauth.runtime import Address
from actor_oauth.runtime.engine import Database
from actor_oauth.runtime.local import (
    ArchiveError,
    Disk,
    back_up,
    open_archive,
    replace_damaged,
)
from tests.support.counter import MIGRATIONS, Counter
from tests.support.disks import FaultyDisk
from tests.support.files import find, names
from tests.support.systems import open_counters

pytestmark = pytest.mark.requirement("K-16", "G7")

NOW = 4_000_000_000
A = Address("counter", "a")


def add_ten(_address: Address, db: Database) -> None:
    db.execute("UPDATE number SET value = value + 10")


def put_back(
    saved: Path, data: Path, address: Address = A, *, disk: Disk | None = None
) -> Path:
    return replace_damaged(
        open_archive(saved),
        data,
        address,
        migrations=MIGRATIONS,
        amend=add_ten,
        now=NOW,
        disk=disk,
    )


async def count(data: Path, key: str) -> int:
    async with open_counters(data) as system:
        return await system.get(Counter, key).add(1)


@pytest.fixture
async def saved(data: Path, memory: Path) -> Path:
    """A backup of `a` and `b` at 1; since then both are at 2."""
    target = memory / "saved.backup"
    for key in "ab":
        await count(data, key)
    back_up(data, target, kinds=(), about={}, now=NOW, tell=lambda *_: None)
    for key in "ab":
        await count(data, key)
    return target


@pytest.mark.parametrize("damage", ["header", "page", "cut", "log", "gone"])
async def test_a_damaged_actor_comes_back_amended_and_the_others_stay(
    saved: Path, data: Path, damage: str
) -> None:
    file = find(data, "a.db")
    content = bytearray(file.read_bytes())
    if damage == "header":
        content[:16] = bytes(16)
    elif damage == "page":
        content[512:1024] = b"\xff" * 512
    elif damage == "cut":
        del content[700:]
    elif damage == "log":
        content = bytearray(b"no database")
        file.with_name("a.db-wal").write_bytes(b"an old log")
    file.write_bytes(content)
    if damage == "gone":
        file.unlink()
    (data / "suspects").mkdir(exist_ok=True)
    (data / "suspects" / "counter.a").touch()

    aside = put_back(saved, data)

    if damage == "gone":
        assert not aside.exists()
    else:
        assert aside.read_bytes() == content
    assert names(data / "suspects") == []
    assert not names(data, "*.new")
    assert await count(data, "a") == 1 + 10 + 1
    assert await count(data, "b") == 3


async def test_a_sound_file_is_never_replaced(saved: Path, data: Path) -> None:
    with pytest.raises(ArchiveError, match="intact"):
        put_back(saved, data)
    assert await count(data, "a") == 3


async def test_nothing_is_replaced_under_a_running_server(
    saved: Path, data: Path
) -> None:
    """It would go on with the old file, and what it answers would be lost."""
    find(data, "a.db").write_bytes(b"no database")
    async with open_counters(data) as system:
        with pytest.raises(ArchiveError, match="stop the server"):
            put_back(saved, data)
        assert await system.get(Counter, "b").add(1) == 3
    assert find(data, "a.db").read_bytes() == b"no database"
    put_back(saved, data)


async def test_a_disk_that_fails_leaves_the_old_file_and_a_second_run_succeeds(
    saved: Path, data: Path
) -> None:
    file = find(data, "a.db")
    file.write_bytes(b"no database")
    disk = FaultyDisk()
    disk.failing.add(".new")
    with pytest.raises(OSError, match="disk fails"):
        put_back(saved, data, disk=disk)
    assert file.read_bytes() == b"no database"
    assert not names(data, "*.new")
    put_back(saved, data)
    assert await count(data, "a") == 12


async def test_without_a_way_to_its_alarm_the_old_file_stays(
    saved: Path, data: Path
) -> None:
    file = find(data, "a.db")
    file.write_bytes(b"no database")
    (data / "wakes.db").write_bytes(b"no index of alarms")
    with pytest.raises(ArchiveError, match="not a database"):
        put_back(saved, data)
    assert file.read_bytes() == b"no database"
    assert not names(data, "*.damaged-*")


async def test_what_the_backup_does_not_have_is_told(saved: Path, data: Path) -> None:
    find(data, "a.db").write_bytes(b"no database")
    with closing(sqlite3.connect(saved)) as db, db:
        db.execute("UPDATE actors SET digest = x'00' WHERE key = 'b'")
    with pytest.raises(ArchiveError, match="damaged: counter/b"):
        put_back(saved, data, Address("counter", "b"))
    with pytest.raises(ArchiveError, match="newer than this version"):
        replace_damaged(
            open_archive(saved),
            data,
            A,
            migrations=Migrations("tests.older"),
            amend=add_ten,
            now=NOW,
        )
    with pytest.raises(ArchiveError, match="does not have counter/c"):
        put_back(saved, data, Address("counter", "c"))


async def test_a_file_that_may_not_be_opened_is_not_taken_for_damaged(
    saved: Path, data: Path
) -> None:
    file = find(data, "a.db")
    file.unlink()
    file.mkdir()
    with pytest.raises(OSError, match=r"a\.db"):
        put_back(saved, data)
    assert file.is_dir()
