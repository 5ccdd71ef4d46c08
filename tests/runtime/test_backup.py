"""Backups: all that was answered is in them, they are whole or not there, and read again."""

import contextlib
import os
import resource
import signal
import sqlite3
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import trio
from sqlite_utils.migrations import Migrations

from actor_oauth.runtime import Actor, Address, TrioClock, turn
from actor_oauth.runtime.engine import Database
from actor_oauth.runtime.local import (
    ArchiveError,
    BackedUp,
    Disk,
    Tell,
    back_up,
    find_damaged,
    open_archive,
    restore,
)
from tests.support.counter import MIGRATIONS, Counter
from tests.support.disks import FaultyDisk, InlineDisk, PowerLossDisk
from tests.support.files import find, names, readable_by_others
from tests.support.systems import open_counters

pytestmark = pytest.mark.requirement("K-16")

LATER = 4_000_000_000
"""A time at which nobody has changed a file for long."""


class Directory(Actor, kind="aindex"):
    """Is told of things."""

    migrations = Migrations("tests.aindex")

    @turn(creates=True)
    def nothing(self) -> None:
        """Come into being."""


def silent(_what: str, _done: int, _total: int) -> None:
    pass


def save(
    data: Path,
    target: Path,
    *,
    kinds: Sequence[str] = (),
    now: int = 0,
    disk: Disk | None = None,
) -> BackedUp:
    return back_up(
        data,
        target,
        kinds=kinds,
        about={"of": "a test"},
        now=now,
        tell=silent,
        disk=disk or InlineDisk(),
    )


def bring_back(source: Path, data: Path, *, tell: Tell = silent) -> None:
    restore(
        open_archive(source),
        data,
        migrations={},
        amend=lambda address, db: None,
        files={"keys": b"secret"},
        tell=tell,
        disk=InlineDisk(),
    )


async def values(data: Path, *keys: str) -> list[int | None]:
    async with open_counters(data) as system:
        return [await system.get(Counter, key).value() for key in keys]


async def count(data: Path, *keys: str) -> None:
    """Leave counters behind, each of which says 1."""
    async with open_counters(data) as system:
        for key in keys:
            await system.get(Counter, key).add(1)


def spoil(file: Path, start: int, content: bytes) -> None:
    """Overwrite a part of a file."""
    whole = file.read_bytes()
    file.write_bytes(whole[:start] + content + whole[start + len(content) :])


@pytest.fixture
def target(memory: Path) -> Path:
    """The file to make."""
    return memory / "saved.backup"


@pytest.fixture
async def saved(data: Path, target: Path) -> Path:
    """A backup of three counters, each of which says 1."""
    await count(data, "a", "b", "c")
    assert save(data, target) == BackedUp(3, {})
    return target


@pytest.mark.parametrize("now", [0, LATER], ids=["changed now", "idle"])
async def test_what_was_answered_is_in_it_whether_the_actor_is_in_memory_or_not(
    data: Path, target: Path, memory: Path, now: int
) -> None:
    async with open_counters(data) as system:
        await system.get(Counter, "idle").add(3)
    async with open_counters(data) as system:
        await system.get(Counter, "live").add(4)
        save(data, target, now=now)
        # The server goes on as if nothing had been.
        assert await system.get(Counter, "live").add(1) == 5
        assert await system.get(Counter, "idle").add(1) == 4
    bring_back(target, memory / "restored")
    assert await values(memory / "restored", "live", "idle") == [4, 3]


async def test_a_restored_directory_is_private_and_has_the_further_files(
    saved: Path, memory: Path
) -> None:
    bring_back(saved, memory / "restored")
    assert (memory / "restored" / "keys").read_bytes() == b"secret"
    assert readable_by_others(memory / "restored") == []
    assert names(memory / "restored", "*.db") == ["a.db", "b.db", "c.db", "wakes.db"]
    assert readable_by_others(saved) == []


async def test_alarms_and_messages_of_actors_in_memory_are_not_lost(
    data: Path, target: Path, memory: Path, autojump_clock: trio.testing.MockClock
) -> None:
    clock = TrioClock()
    disk = FaultyDisk()
    async with open_counters(data, clock=clock, disk=disk) as system:
        await system.get(Counter, "sleeper").wake_me(clock.now() + 1000)
        await system.get(Counter, "sender").add(1)
        # Its receiver cannot be made, so that the message waits.
        disk.failing.add("new")
        await system.get(Counter, "sender").tell("receiver", "hello")
        await trio.testing.wait_all_tasks_blocked()
        save(data, target)
        disk.failing.clear()
    bring_back(target, memory / "restored")
    async with open_counters(memory / "restored", clock=clock) as system:
        await trio.sleep(1100)
        (alarm,) = await system.get(Counter, "sleeper").notes()
        assert alarm.startswith("alarm")
        assert await system.get(Counter, "receiver").notes() == ["hello"]


async def test_very_many_alarms_are_restored(
    data: Path, target: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actor_oauth.runtime.local.restoring._WAKES_AT_ONCE", 2)
    monkeypatch.setattr("actor_oauth.runtime.local.archive._INSERTED_AT_ONCE", 2)
    async with open_counters(data) as system:
        for key in "abcde":
            await system.get(Counter, key).wake_me(LATER)
    save(data, target)
    bring_back(target, memory / "restored")
    with sqlite3.connect(memory / "restored" / "wakes.db") as db:
        rows = db.execute("SELECT address, due FROM wakes ORDER BY address").fetchall()
    db.close()
    assert rows == [(f"counter/{key}", LATER) for key in "abcde"]


async def test_whoever_tells_is_copied_before_who_is_told(
    data: Path, target: Path
) -> None:
    async with open_counters(data, kinds=[Counter, Directory]) as system:
        await system.get(Counter, "a").add(1)
        await system.get(Directory, "b").nothing()
    save(data, target, kinds=["counter", "aindex", "never"])
    order = [str(one.address) for one in open_archive(target).actors()]
    assert order == ["counter/a", "aindex/b"]


async def test_what_a_power_failure_took_is_put_back_before_copying(
    memory: Path, data: Path, target: Path, nursery: trio.Nursery
) -> None:
    disk = PowerLossDisk(data.parent)
    left = memory / "left"
    async with open_counters(data, disk=disk) as system:
        for _ in range(3):
            async with trio.open_nursery() as both:
                for key in "ab":
                    both.start_soon(system.get(Counter, key).add, 1)
        disk.leave(left)
    save(left / data.name, target)
    bring_back(target, memory / "restored")
    assert await values(memory / "restored", "a", "b") == [3, 3]


async def test_a_damaged_actor_is_named_and_the_others_are_copied(
    data: Path, target: Path
) -> None:
    await count(data, "a", "b", "c")
    # What SQLite only finds when it looks for it: free pages that there are not.
    spoil(find(data, "b.db"), 36, b"\0\0\0\5")
    spoil(find(data, "c.db"), 0, b"no database")
    damaged = (Address("counter", "b"), Address("counter", "c"))
    for now in (0, LATER):
        found = find_damaged(data, now=now, tell=silent)
        assert sorted(found, key=str) == list(damaged)
        assert found[damaged[1]] == "file is not a database"
    assert save(data, target).count == 1
    assert [str(one.address) for one in open_archive(target).actors()] == ["counter/a"]


def test_an_empty_directory_makes_an_empty_backup(memory: Path, target: Path) -> None:
    assert save(memory / "nothing", target) == BackedUp(0, {})
    bring_back(target, memory / "restored")
    assert names(memory / "restored") == ["keys", "wakes.db"]


async def test_a_backup_is_never_overwritten(saved: Path, data: Path) -> None:
    await count(data, "another")
    with pytest.raises(FileExistsError):
        save(data, saved)
    assert open_archive(saved).count == 3
    assert names(saved.parent, "*.partial") == []


async def test_a_disk_that_fails_leaves_nothing_under_the_name(
    data: Path, target: Path
) -> None:
    await count(data, "a")
    disk = FaultyDisk()
    disk.failing.add("partial")
    with pytest.raises(OSError, match="disk fails"):
        save(data, target, disk=disk)
    assert names(target.parent, "saved*") == []


def test_a_folder_that_is_not_there_is_told(memory: Path) -> None:
    with pytest.raises(FileNotFoundError):
        save(memory, memory / "missing" / "saved.backup")


def killed(work: Callable[[Tell], object]) -> bool:
    """Whether a process was killed that did this work, at the second actor."""

    def tell(_what: str, done: int, _total: int) -> None:
        if done == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            work(tell)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


async def test_who_is_killed_in_the_middle_leaves_nothing_under_the_name(
    data: Path, target: Path, memory: Path
) -> None:
    await count(data, "a", "b", "c")
    assert killed(
        lambda tell: back_up(data, target, kinds=(), about={}, now=0, tell=tell)
    )
    assert target.name not in names(memory)
    save(data, target)
    restored = memory / "restored"
    assert killed(lambda tell: bring_back(target, restored, tell=tell))
    assert names(restored) == []
    bring_back(target, restored)
    assert await values(restored, "a", "b", "c") == [1, 1, 1]


@pytest.mark.parametrize("there", ["file", "folder"])
async def test_nothing_is_overwritten_by_restoring(
    saved: Path, memory: Path, there: str
) -> None:
    restored = memory / "restored"
    if there == "file":
        restored.write_text("mine")
    else:
        restored.mkdir()
        (restored / "mine").write_text("mine")
    with pytest.raises(FileExistsError):
        bring_back(saved, restored)
    assert names(memory, "*.restoring") == []


async def test_an_empty_folder_may_be_there(saved: Path, memory: Path) -> None:
    (memory / "restored").mkdir()
    bring_back(saved, memory / "restored")
    assert await values(memory / "restored", "a") == [1]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE actors SET image = zeroblob(100) WHERE key = 'b'",
        "UPDATE actors SET due = 5 WHERE key = 'b'",
        "UPDATE actors SET key = 'B' WHERE key = 'b'",
        "DELETE FROM actors WHERE key = 'b'",
        "ALTER TABLE actors RENAME TO others",
        "UPDATE actors SET image = ? WHERE key = 'b'",
    ],
)
async def test_a_damaged_backup_is_noticed_and_not_restored(
    saved: Path, memory: Path, sql: str
) -> None:
    with sqlite3.connect(saved) as db:
        db.execute(sql, [zlib.compress(b"other")] * sql.count("?"))
    db.close()
    with pytest.raises(ArchiveError, match="damaged"):
        bring_back(saved, memory / "restored")
    assert names(memory, "a.db") == ["a.db"]


async def test_what_is_no_row_of_ours_is_damage(saved: Path, memory: Path) -> None:
    with sqlite3.connect(saved) as db:
        db.execute("DROP TABLE actors")
        db.execute("CREATE TABLE actors (kind, key, due, digest, image)")
        db.execute("INSERT INTO actors VALUES (1, 2, 3, 4, 5)")
    db.close()
    with pytest.raises(ArchiveError, match="damaged"):
        bring_back(saved, memory / "restored")


@pytest.mark.parametrize("content", [None, b"", b"no database at all", "other"])
def test_what_is_no_backup_is_told(target: Path, content: bytes | str | None) -> None:
    if content == "other":
        with sqlite3.connect(target) as db:
            db.execute("CREATE TABLE about (name TEXT, value TEXT)")
        db.close()
    elif isinstance(content, bytes):
        target.write_bytes(content)
    with pytest.raises(ArchiveError):
        open_archive(target)


async def test_actors_are_amended_before_anybody_sees_them(
    saved: Path, memory: Path
) -> None:
    seen: list[str] = []

    def amend(address: Address, db: Database) -> None:
        seen.append(str(address))
        db.execute("UPDATE number SET value = 7")

    restore(
        open_archive(saved),
        memory / "restored",
        migrations={"counter": MIGRATIONS},
        amend=amend,
        files={},
        tell=silent,
    )
    assert sorted(seen) == ["counter/a", "counter/b", "counter/c"]
    assert await values(memory / "restored", "a", "b", "c") == [7, 7, 7]


async def test_what_a_newer_version_wrote_is_refused(
    data: Path, target: Path, memory: Path
) -> None:
    await count(data, "a")
    db = sqlite3.connect(find(data, "a.db"))
    db.execute("PRAGMA user_version = 99")
    db.close()
    save(data, target)
    with pytest.raises(ArchiveError, match="newer"):
        restore(
            open_archive(target),
            memory / "restored",
            migrations={"counter": MIGRATIONS},
            amend=lambda address, db: None,
            files={},
            tell=silent,
        )
    assert names(memory, "keys") == []
    assert names(memory / "restored") == []


async def test_a_storage_that_refuses_the_copy_is_told(
    data: Path, target: Path
) -> None:
    await count(data, "a")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(ArchiveError):
            save(data, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(target.parent, "saved*") == []
