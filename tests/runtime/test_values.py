"""Addresses, clocks, faults and schemas: what they accept, and what they say."""

import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest
import sqlite_utils
import trio
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils.migrations import Migrations
from trio.testing import MockClock

from actor_oauth.runtime import Actor, Address, SystemClock, TrioClock, turn, view
from actor_oauth.runtime.schema import empty_image, migrate, open_image, steps
from actor_oauth.runtime.storage_faults import Fault, storage_fault
from tests.support.systems import open_counters


@pytest.mark.parametrize(
    "word", ["", "A", "a b", "a/b", "a.b", "..", "é", "a\n", "a" * 65, "a_b", "a-b"]
)
def test_only_plain_words_name_an_actor(word: str) -> None:
    for kind, key in ((word, "a"), ("a", word)):
        with pytest.raises(ValueError, match="not an actor address"):
            Address(kind, key)


@given(st.from_regex(r"[a-z0-9]{1,64}", fullmatch=True))
def test_an_address_reads_back_what_it_writes(key: str) -> None:
    address = Address("kind", key)
    assert str(address) == f"kind/{key}"
    assert Address.parse(str(address)) == address


@given(st.text())
def test_any_text_is_an_address_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert str(Address.parse(text)) == text


def test_a_class_whose_kind_is_no_word_is_refused_where_it_is_written() -> None:
    with pytest.raises(ValueError, match="not an actor address"):

        class Wrong(Actor, kind="not a word"):
            pass


def test_the_system_clock_stands_still_while_the_machine_goes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = iter([100.9, 50.0, 99.0, 101.2])
    monkeypatch.setattr("actor_oauth.runtime.clock.time.time", lambda: next(times))
    clock = SystemClock()
    assert [clock.now() for _ in range(4)] == [100, 100, 100, 101]


async def test_the_trio_clock_follows_virtual_time(autojump_clock: MockClock) -> None:
    clock = TrioClock(start=1000)
    await trio.sleep(3600)
    assert clock.now() == pytest.approx(4600, abs=1)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (sqlite3.SQLITE_FULL, Fault.FULL),
        (sqlite3.SQLITE_IOERR, Fault.UNREADABLE),
        (sqlite3.SQLITE_IOERR_FSYNC, Fault.UNREADABLE),
        (sqlite3.SQLITE_CANTOPEN, Fault.UNREADABLE),
        (sqlite3.SQLITE_READONLY, Fault.UNREADABLE),
        (sqlite3.SQLITE_CORRUPT, Fault.DAMAGED),
        (sqlite3.SQLITE_CORRUPT_VTAB, Fault.DAMAGED),
        (sqlite3.SQLITE_NOTADB, Fault.DAMAGED),
        (sqlite3.SQLITE_BUSY, Fault.BUSY),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Fault.BUSY),
        (sqlite3.SQLITE_LOCKED, Fault.BUSY),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, None),
        (sqlite3.SQLITE_ERROR, None),
        (None, None),
    ],
)
def test_sqlite_codes_say_whether_the_storage_or_the_turn_is_at_fault(
    code: int | None, fault: Fault | None
) -> None:
    error = sqlite3.OperationalError("any")
    if code is not None:
        error.sqlite_errorcode = code
    assert storage_fault(error) is fault


class Old(Actor, kind="aging"):
    """An actor as its first version was."""

    migrations = Migrations("tests.aging")

    @turn(creates=True)
    def write(self, text: str) -> None:
        """Write a word."""
        self.db.execute("INSERT INTO words VALUES (?)", (text,))


class New(Actor, kind="aging"):
    """The same actor's second version, which counts letters."""

    migrations = Migrations("tests.aging")

    @view
    def words(self) -> list[tuple[str, int]]:
        """The words."""
        return self.db.execute("SELECT text, letters FROM words").fetchall()


@Old.migrations(name="m0001")
@New.migrations(name="m0001")
def m0001_words(db: sqlite_utils.Database) -> None:
    """Words."""
    db.execute("CREATE TABLE words (text TEXT NOT NULL) STRICT")


@New.migrations(name="m0002")
def m0002_letters(db: sqlite_utils.Database) -> None:
    """How long they are."""
    db.execute("ALTER TABLE words ADD COLUMN letters INTEGER NOT NULL DEFAULT 0")
    db.execute("UPDATE words SET letters = length(text)")


async def test_a_file_of_an_older_version_is_migrated_when_it_is_opened(
    data: Path,
) -> None:
    async with open_counters(data, kinds=[Old]) as system:
        await system.get(Old, "a").write("old")
    for _ in range(2):
        async with open_counters(data, kinds=[New]) as system:
            assert await system.get(New, "a").words() == [("old", 3)]


async def test_a_file_of_a_newer_version_is_refused_and_left_alone(data: Path) -> None:
    async with open_counters(data, kinds=[New]) as system:
        await system.get(New, "a").words()
    async with open_counters(data, kinds=[Old]) as system:
        await system.get(Old, "a").write("old")
    async with open_counters(data, kinds=[New]) as system:
        await system.get(New, "a").words()
    async with open_counters(data, kinds=[Old]) as system:
        with pytest.raises(Exception, match="newer"):
            await system.get(Old, "a").write("again")
    async with open_counters(data, kinds=[New]) as system:
        assert await system.get(New, "a").words() == [("old", 3)]


def test_a_migration_that_fails_leaves_the_file_as_it_was() -> None:
    half = Migrations("tests.half")

    @half()
    def m0001_works(db: sqlite_utils.Database) -> None:
        db.execute("CREATE TABLE first (x)")

    @half()
    def m0002_fails(db: sqlite_utils.Database) -> None:
        raise LookupError

    db = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(LookupError):
        migrate(db, half, 3)
    assert db.execute("SELECT * FROM sqlite_master").fetchall() == []
    assert not db.in_transaction
    db.close()


def test_an_empty_image_is_up_to_date() -> None:
    goal = steps(New.migrations)
    db = open_image(empty_image(New.migrations, goal))
    assert db.execute("PRAGMA user_version").fetchone() == (goal,)
    assert db.execute("SELECT * FROM words").fetchall() == []
    db.close()
