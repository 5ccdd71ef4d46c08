"""Faults that are rare in nature: put under a real store, or into a file, by hand."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlite_utils
import trio
from sqlite_utils.migrations import Migrations

from actor_oauth.runtime import (
    ActorBrokenError,
    Address,
    Database,
    LocalEngine,
    StorageError,
    Store,
    SystemClock,
    SystemEntropy,
    TrioClock,
    open_system,
)
from actor_oauth.runtime.activation import Activation
from actor_oauth.runtime.delivery import Deliveries
from actor_oauth.runtime.local.wakes import WakeIndex
from actor_oauth.runtime.memory import Budget
from actor_oauth.runtime.schema import migrate, steps
from tests.support.counter import MIGRATIONS, Counter
from tests.support.disks import FaultyDisk, InlineDisk
from tests.support.systems import open_counters


class TamperingEngine(LocalEngine):
    """A local engine that lets a test tamper with each store that it opens."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, disk=InlineDisk())
        self.opened: list[Store] = []

    async def open(
        self, address: Address, migrations: Migrations, *, create: bool
    ) -> Store | None:
        store = await super().open(address, migrations, create=create)
        if store is not None:
            self.opened.append(store)
        return store


def damaged() -> sqlite3.Error:
    """What SQLite says of a file that is no database."""
    memory = sqlite3.connect(":memory:")
    memory.deserialize(b"no database" * 100)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        memory.execute("SELECT * FROM sqlite_schema")
    memory.close()
    return caught.value


def full() -> sqlite3.Error:
    """What SQLite says when there is no room."""
    memory = sqlite3.connect(":memory:")
    memory.execute("CREATE TABLE t (x)")
    memory.execute("PRAGMA max_page_count = 2")
    with pytest.raises(sqlite3.OperationalError, match="full") as caught:
        memory.execute("INSERT INTO t VALUES (zeroblob(100000))")
    memory.close()
    return caught.value


def failing(error: Exception) -> Callable[[], bool]:
    def fail() -> bool:
        raise error

    return fail


async def test_where_the_store_cannot_name_what_is_committed_the_view_is_asked(
    data: Path,
) -> None:
    engine = TamperingEngine(data)
    async with open_system(engine, (Counter,), clock=TrioClock()) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        await counter.value()
        tally = await counter.tally("a")
        assert await counter.tally("a") is tally
        engine.opened[0].version = failing(damaged())  # type: ignore[method-assign]
        assert await counter.tally("a") == tally
        assert system.remembered.hits == 1


async def test_g7_a_file_found_damaged_by_a_turn_breaks_this_activation_only(
    data: Path,
) -> None:
    engine = TamperingEngine(data)
    async with open_system(engine, (Counter,), clock=TrioClock()) as system:
        counter = system.get(Counter, "a")
        await counter.add()
        engine.opened[0].begin = failing(damaged())  # type: ignore[method-assign]

        with pytest.raises(ActorBrokenError, match="counter/a"):
            await counter.add()

        assert await counter.add() == 2
        assert len(engine.opened) == 2


async def test_g7_a_view_of_a_damaged_file_hands_waiting_turns_to_a_new_activation(
    data: Path,
) -> None:
    engine = TamperingEngine(data)
    async with open_system(engine, (Counter,), clock=TrioClock()) as system:
        counter = system.get(Counter, "a")
        await counter.add()
        engine.opened[0].begin_view = failing(damaged())  # type: ignore[method-assign]
        told: list[BaseException] = []

        async def look() -> None:
            try:
                await counter.value()
            except ActorBrokenError as error:
                told.append(error)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(counter.add)
            nursery.start_soon(look)

        assert await counter.value() == 2


async def test_g1_a_view_of_a_busy_store_is_tried_again(data: Path) -> None:
    engine = TamperingEngine(data)
    async with open_system(engine, (Counter,), clock=TrioClock()) as system:
        counter = system.get(Counter, "a")
        await counter.add()
        store = engine.opened[0]
        begin_view, answers = store.begin_view, [False, False]

        def busy_at_first() -> bool:
            return answers.pop() if answers else begin_view()

        store.begin_view = busy_at_first  # type: ignore[method-assign]

        assert await counter.value() == 1
        assert not answers


async def test_g2_a_full_disk_leaves_the_actor_as_it_was_and_serving(
    data: Path,
) -> None:
    engine = TamperingEngine(data)
    async with open_system(engine, (Counter,), clock=TrioClock()) as system:
        counter = system.get(Counter, "a")
        await counter.add()

        def fill(actor: Counter) -> None:
            actor.db.execute("UPDATE number SET value = 99")
            raise full()

        with pytest.raises(StorageError):
            await counter.do(fill)

        assert await counter.value() == 1
        assert len(engine.opened) == 1


async def test_g7_a_store_that_cannot_even_roll_back_is_let_go_of(data: Path) -> None:
    engine = TamperingEngine(data)
    async with open_system(engine, (Counter,), clock=TrioClock()) as system:
        counter = system.get(Counter, "a")
        await counter.add()
        engine.opened[0].rollback = failing(damaged())  # type: ignore[method-assign]

        def meet_damage(actor: Counter) -> None:
            raise damaged()

        with pytest.raises(ActorBrokenError):
            await counter.do(meet_damage)

        assert await counter.add() == 2


async def test_a_journal_that_cannot_be_written_refuses_turns_and_not_views(
    data: Path,
) -> None:
    disk = FaultyDisk()
    async with open_counters(data, disk=disk) as system:
        await system.get(Counter, "a").add()
    async with open_counters(data, disk=disk) as system:
        counter = system.get(Counter, "a")
        disk.failing.add(".live")
        with pytest.raises(StorageError):
            await counter.add()
        assert await counter.value() == 1
        disk.failing.clear()
        # The next names go into a new file: the old one may end in half a line.
        disk.failing.add(".new")
        with pytest.raises(StorageError):
            await counter.add()
        disk.failing.clear()

        assert await counter.add() == 2


async def test_an_activation_that_breaks_while_it_is_announced_is_not_served(
    data: Path,
) -> None:
    engine = TamperingEngine(data)
    async with open_system(engine, (Counter,), clock=TrioClock()) as system:
        counter = system.get(Counter, "a")
        await counter.add()
        store = engine.opened[0]
        waiting, go_on = trio.Event(), trio.Event()

        async def wait(*, to_write: bool) -> None:
            waiting.set()
            await go_on.wait()

        store.begin = lambda: False  # type: ignore[method-assign]
        store.wait = wait  # type: ignore[method-assign]
        sums: list[int] = []

        async def add() -> None:
            sums.append(await counter.add())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(add)
            await waiting.wait()
            store.begin_view = failing(damaged())  # type: ignore[method-assign]
            with pytest.raises(ActorBrokenError):
                await counter.value()
            go_on.set()

        assert sums == [2]


async def test_a_mistake_in_an_absent_actors_view_is_its_callers(data: Path) -> None:
    async with open_counters(data) as system:
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            await system.get(Counter, "a").see(
                lambda actor: actor.db.execute("SELECT * FROM nowhere").fetchone()
            )


async def test_g9_an_outbox_that_cannot_be_read_is_read_again(
    data: Path, autojump_clock: trio.testing.MockClock
) -> None:
    engine = TamperingEngine(data)
    async with open_system(engine, (Counter,), clock=TrioClock()) as system:
        sender = system.get(Counter, "sender")
        await sender.add()
        engine.opened[0].begin_view = failing(damaged())  # type: ignore[method-assign]
        await sender.tell("receiver", "hello")
        await trio.sleep(1)

        await system.delivered(sender)

        assert await system.get(Counter, "receiver").notes() == ["hello"]


async def test_nobody_waits_for_a_delivery_that_is_not_at_work(
    nursery: trio.Nursery,
) -> None:
    async def run(*_: object) -> object:
        raise AssertionError

    idle = Activation(
        Counter,
        Address("counter", "a"),
        SystemClock(),
        mailbox_size=1,
        budget=Budget(0),
    )
    await Deliveries({}, run, nursery, cap=2).attempted(idle, hurry=True)


def test_random_bytes_are_as_many_as_asked_for_and_never_the_same() -> None:
    entropy = SystemEntropy()

    assert len(entropy.token_bytes(32)) == 32
    assert entropy.token_bytes(32) != entropy.token_bytes(32)


def test_an_index_that_has_ended_a_transaction_by_itself_says_why(
    tmp_path: Path,
) -> None:
    index = WakeIndex(tmp_path / "wakes.db")
    index.close()
    index.open()
    index.set([(Address("counter", "a"), 1)])
    with pytest.raises(sqlite3.IntegrityError):
        index._in_transaction(
            "INSERT OR ROLLBACK INTO wakes SELECT * FROM wakes WHERE address = ?",
            [("counter/a",)],
        )

    assert [wake.address.key for wake in index.due(1)] == ["a"]
    index.close()


def test_a_store_that_cannot_begin_for_another_reason_than_a_lock_says_so(
    data: Path,
) -> None:
    async def begin() -> None:
        engine = LocalEngine(data, disk=InlineDisk())
        async with engine.run():
            address = Address("counter", "a")
            store = await engine.open(address, MIGRATIONS, create=True)
            assert store is not None
            store.db.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
            with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
                store.begin_view()
            await engine.discard(store)

    trio.run(begin)


class OvertakenConnection(sqlite3.Connection):
    """A connection that another process overtakes at the start of its migration."""

    overtake: Callable[[], None]

    def execute(self, sql: str, parameters: object = ()) -> sqlite3.Cursor:
        if sql == "BEGIN IMMEDIATE":
            self.overtake()
        return super().execute(sql, parameters)  # type: ignore[arg-type]


def test_two_processes_that_open_an_old_file_at_once_migrate_it_once(
    tmp_path: Path,
) -> None:
    path, goal = tmp_path / "a.db", steps(MIGRATIONS)

    def other_process() -> None:
        other = sqlite3.connect(path, isolation_level=None)
        migrate(other, MIGRATIONS, goal)
        other.close()

    db = sqlite3.connect(path, isolation_level=None, factory=OvertakenConnection)
    db.overtake = other_process
    migrate(db, MIGRATIONS, goal)

    assert db.execute("SELECT value FROM number").fetchall() == [(0,)]
    db.close()


def test_a_migration_that_ends_the_transaction_by_itself_reports_its_own_error() -> (
    None
):
    rash = Migrations("tests.rash")

    @rash(transactional=False)
    def m0001_gives_up(db: sqlite_utils.Database) -> None:
        connection: Database = db.conn
        connection.execute("ROLLBACK")
        raise LookupError("the migration's own")

    db = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(LookupError, match="own"):
        migrate(db, rash, 2)
    db.close()
