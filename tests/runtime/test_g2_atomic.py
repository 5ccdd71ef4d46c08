"""G2: a turn commits whole or leaves no trace."""

import sqlite3
from collections.abc import Callable, Mapping
from operator import methodcaller
from pathlib import Path

import pytest
import sqlite_utils
from sqlite_utils.migrations import Migrations

from actor_oauth.runtime import Actor, ActorUsageError, turn, view
from tests.support.counter import Counter, RefusedError
from tests.support.files import find
from tests.support.systems import open_counters

pytestmark = pytest.mark.requirement("G2")


async def test_g2_an_exception_rolls_back_reaches_the_caller_and_the_actor_goes_on(
    data: Path,
) -> None:
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        with pytest.raises(RefusedError, match="after adding 10"):
            await counter.add_and_fail(10)
        assert await counter.value() == 1
        assert await counter.add(1) == 2


async def test_g2_a_constraint_rolls_back_the_whole_turn(data: Path) -> None:
    def twice(inside: Counter) -> None:
        inside.db.execute("UPDATE number SET value = 5")
        inside.db.execute("INSERT INTO notes (text) VALUES ('same')")
        inside.db.execute("INSERT INTO notes (text) VALUES ('same')")

    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        with pytest.raises(sqlite3.IntegrityError):
            await counter.do(twice)
        assert await counter.notes() == []
        assert await counter.value() == 0
        await counter.note("same")
        assert await counter.notes() == ["same"]


async def test_g2_what_is_no_exception_rolls_back_too_and_is_the_callers(
    data: Path,
) -> None:
    class Stop(BaseException):
        pass

    def stop(inside: Counter) -> None:
        inside.db.execute("UPDATE number SET value = 5")
        raise Stop

    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        for call in (counter.do, counter.see):
            with pytest.raises(Stop):
                await call(stop)
        assert await counter.value() == 1
        assert await counter.add(1) == 2


async def test_g2_the_alarm_and_messages_of_a_failed_turn_are_dropped(
    data: Path,
) -> None:
    def fail(inside: Counter) -> None:
        inside.set_alarm(1)
        inside.send(Counter, "b", Counter.note, text="never")
        raise RefusedError

    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.wake_me(10**10)
        with pytest.raises(RefusedError):
            await counter.do(fail)
        assert await counter.see(Counter.get_alarm) == 10**10
        activation = system._directory.find(counter.address)
        assert activation is not None
        assert activation.alarm_at == 10**10
        assert not activation.outbox_pending
        await system.delivered(counter)
        # Whatever the runtime took from the turn, it would act on by now.
        await counter.add()
        await system.delivered(counter)
        assert await counter.notes() == []
        assert await system.get(Counter, "b").notes() == []


class Family(Actor, kind="family"):
    """Has a constraint that SQLite checks only when a turn commits."""

    migrations = Migrations("tests.family")

    @turn(creates=True)
    def have_orphan(self) -> None:
        """Insert a child without a parent."""
        self.db.execute("INSERT INTO child VALUES (7)")

    @view
    def children(self) -> int:
        """How many there are."""
        row: tuple[int] = self.db.execute("SELECT count(*) FROM child").fetchone()
        return row[0]


@Family.migrations()
def m0001_family(db: sqlite_utils.Database) -> None:
    """Parents and children."""
    db.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT")
    db.execute(
        "CREATE TABLE child (parent INTEGER NOT NULL"
        " REFERENCES parent DEFERRABLE INITIALLY DEFERRED) STRICT"
    )


async def test_g2_a_commit_that_fails_rolls_back(data: Path) -> None:
    async with open_counters(data, kinds=[Family]) as system:
        family = system.get(Family, "a")
        for _ in range(2):
            with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
                await family.have_orphan()
            assert await family.children() == 0


def in_a_with_block(db: sqlite3.Connection) -> None:
    with db:
        db.execute("UPDATE number SET value = 8")


FORBIDDEN: Mapping[str, Callable[[sqlite3.Connection], object]] = {
    sql: methodcaller("execute", sql)
    for sql in (
        "COMMIT",
        "ROLLBACK",
        "END",
        "BEGIN",
        "PRAGMA synchronous = OFF",
        "PRAGMA user_version",
        "CREATE TABLE more (x)",
        "DROP TABLE notes",
        "ATTACH ':memory:' AS other",
    )
} | {
    "commit": sqlite3.Connection.commit,
    "rollback": sqlite3.Connection.rollback,
    "executescript": lambda db: db.executescript("UPDATE number SET value = 9"),
    "with": in_a_with_block,
}


@pytest.mark.parametrize("work", FORBIDDEN.values(), ids=FORBIDDEN)
async def test_g2_a_turn_cannot_end_its_transaction_or_reach_beyond_rows(
    data: Path, work: Callable[[sqlite3.Connection], object]
) -> None:
    def turn_body(inside: Counter) -> None:
        inside.db.execute("UPDATE number SET value = 7")
        work(inside.db)

    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        for call in (counter.do, counter.see, system.get(Counter, "b").do_if_there):
            with pytest.raises(ActorUsageError):
                await call(turn_body)
            assert await counter.value() == 1
            assert await system.get(Counter, "b").value() == 0
        assert await counter.add(1) == 2


async def test_g2_a_turn_may_use_savepoints(data: Path) -> None:
    def try_twice(inside: Counter) -> None:
        inside.db.execute("SAVEPOINT attempt")
        inside.db.execute("UPDATE number SET value = 7")
        inside.db.execute("ROLLBACK TO attempt")
        inside.db.execute("RELEASE attempt")
        inside.db.execute("UPDATE number SET value = value + 1")

    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.do(try_twice)
        assert await counter.value() == 1


async def test_g2_a_view_that_writes_is_refused_and_leaves_nothing(data: Path) -> None:
    def write(inside: Counter) -> None:
        inside.db.execute("UPDATE number SET value = 7")

    def set_alarm(inside: Counter) -> None:
        inside.set_alarm(0)

    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        for work in (write, set_alarm):
            with pytest.raises(ActorUsageError, match="view"):
                await counter.see(work)
        assert await counter.value() == 1
        assert await counter.see(Counter.get_alarm) is None


async def test_g2_an_error_that_is_kept_keeps_no_old_snapshot_alive(
    data: Path,
) -> None:
    def read_half_and_fail(inside: Counter) -> None:
        cursor = inside.db.execute("SELECT 1 UNION ALL SELECT value FROM number")
        cursor.fetchone()
        try:
            raise RefusedError
        except RefusedError as error:
            raise LookupError from error

    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        kept = []
        for call in (counter.do, counter.see):
            with pytest.raises(LookupError) as caught:
                await call(read_half_and_fail)
            kept.append(caught.value)
        # What another process writes is seen nevertheless.
        other = sqlite3.connect(find(data, "a.db"), isolation_level=None)
        other.execute("UPDATE number SET value = 5")
        other.close()
        assert await counter.value() == 5
        assert await counter.add(1) == 6
        assert len(kept) == 2


async def test_g2_a_turn_on_an_absent_actor_keeps_nothing(data: Path) -> None:
    def write(inside: Counter) -> None:
        inside.db.execute("INSERT INTO notes (text) VALUES ('kept?')")

    def write_and_fail(inside: Counter) -> None:
        write(inside)
        raise RefusedError

    async with open_counters(data) as system:
        nobody = system.get(Counter, "nobody")
        assert await nobody.do_if_there(Counter.texts) == []
        with pytest.raises(ActorUsageError, match="creates=True"):
            await nobody.do_if_there(write)
        with pytest.raises(RefusedError):
            await nobody.do_if_there(write_and_fail)
        with pytest.raises(ActorUsageError, match="creates=True"):
            await nobody.do_if_there(lambda inside: inside.set_alarm(5))
        with pytest.raises(ActorUsageError, match="creates=True"):
            await nobody.do_if_there(
                lambda inside: inside.send(Counter, "b", Counter.add, n=1)
            )
        await nobody.do_if_there(lambda inside: inside.set_alarm(None))
        assert await nobody.see(Counter.get_alarm) is None
        assert await nobody.notes() == []
        assert await system.get(Counter, "somebodyelse").notes() == []
        assert system.activations == 0


async def test_g2_a_turn_that_closes_its_connection_breaks_only_this_activation(
    data: Path,
) -> None:
    def close(inside: Counter) -> None:
        inside.db.execute("UPDATE number SET value = 7")
        inside.db.close()

    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        with pytest.raises(sqlite3.ProgrammingError):
            await counter.do(close)
        assert await counter.value() == 1
        assert await counter.add(1) == 2
