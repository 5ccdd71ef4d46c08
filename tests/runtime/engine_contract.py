"""What every engine has to do. Subclass `EngineContract`, and give it engines.

Two engines that `make_engine` gives share their data: they stand for two processes.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import pytest
import trio

from actor_oauth.runtime import Address, Engine, Store
from tests.support.counter import Counter

A = Address("counter", "a")
B = Address("counter", "b")


class MakeEngine(Protocol):
    """Makes engines that share their data."""

    def __call__(self) -> Engine:
        """Make another one."""
        ...


@asynccontextmanager
async def opened(engine: Engine, address: Address = A) -> AsyncIterator[Store]:
    """An actor's store, created if need be, and closed afterwards."""
    store = await engine.open(address, Counter.migrations, create=True)
    assert store is not None
    yield store
    assert not await engine.close([(store, None)])


async def begin(store: Store) -> None:
    """Begin a turn, waiting as long as it takes."""
    with trio.fail_after(60):
        while not store.begin():
            await store.wait(to_write=True)


async def begin_view(store: Store) -> None:
    """Begin a view, waiting as long as it takes."""
    with trio.fail_after(60):
        while not store.begin_view():
            await store.wait(to_write=False)


async def add(store: Store, n: int = 1) -> bool:
    """A turn that adds; what `commit` says."""
    await begin(store)
    store.db.execute("UPDATE number SET value = value + ?", (n,))
    return store.commit()


async def see(store: Store) -> tuple[int, bool]:
    """A view of the number, and whether it has to wait for a sync."""
    await begin_view(store)
    (value,) = store.db.execute("SELECT value FROM number").fetchone()
    return value, store.rollback()


class EngineContract:
    """The tests. A subclass provides the fixture `make_engine`."""

    async def test_an_actor_exists_once_it_has_been_created(
        self, make_engine: MakeEngine
    ) -> None:
        engine = make_engine()
        async with engine.run():
            assert not engine.exists(A)
            assert await engine.open(A, Counter.migrations, create=False) is None
            assert not engine.exists(A)
            async with opened(engine):
                assert engine.exists(A)
            assert engine.exists(A)
            assert not engine.exists(B)

    async def test_a_new_database_is_migrated_and_holds_the_runtimes_tables(
        self, make_engine: MakeEngine
    ) -> None:
        engine = make_engine()
        async with engine.run(), opened(engine) as store:
            assert await see(store) == (0, False)
            for table in ("_runtime", "_outbox", "_inbox"):
                assert store.db.execute(f"SELECT * FROM {table}").fetchall() == []

    async def test_what_was_committed_is_there_after_closing_and_in_a_new_engine(
        self, make_engine: MakeEngine
    ) -> None:
        engine = make_engine()
        async with engine.run():
            async with opened(engine) as store:
                assert await add(store, 2)
                assert await engine.make_durable([store]) == {}
            async with opened(engine) as store:
                assert await see(store) == (2, False)
        again = make_engine()
        async with again.run(), opened(again) as store:
            assert await see(store) == (2, False)

    async def test_a_rolled_back_turn_leaves_nothing(
        self, make_engine: MakeEngine
    ) -> None:
        engine = make_engine()
        async with engine.run(), opened(engine) as store:
            await begin(store)
            store.db.execute("UPDATE number SET value = 5")
            store.rollback()
            assert not store.db.in_transaction
            store.rollback()
            assert (await see(store))[0] == 0

    async def test_a_turn_that_wrote_has_to_be_synced_and_one_that_did_not_need_not(
        self, make_engine: MakeEngine
    ) -> None:
        engine = make_engine()
        async with engine.run(), opened(engine) as store:
            assert await add(store)
            assert await engine.make_durable([store]) == {}
            # The first view may see what the engine itself did to begin with.
            await see(store)
            assert await engine.make_durable([store]) == {}
            await begin(store)
            store.db.execute("SELECT value FROM number").fetchone()
            assert not store.commit()
            assert await see(store) == (1, False)

    async def test_many_stores_are_made_durable_at_once(
        self, make_engine: MakeEngine
    ) -> None:
        engine = make_engine()
        async with engine.run():
            stores = []
            for number in range(20):
                address = Address("counter", f"n{number}")
                store = await engine.open(address, Counter.migrations, create=True)
                assert store is not None
                assert await add(store, number)
                stores.append(store)
            assert await engine.make_durable(stores) == {}
            assert not await engine.close([(store, None) for store in stores])

    async def test_a_turn_excludes_the_turns_of_another_process_until_it_ends(
        self, make_engine: MakeEngine
    ) -> None:
        one, other = make_engine(), make_engine()
        async with one.run(), other.run(), opened(one) as mine, opened(other) as its:
            assert await add(its)
            await begin(mine)
            assert not its.begin()
            mine.db.execute("UPDATE number SET value = value + 10")
            assert not its.begin()
            mine.commit()
            assert await add(its)
            assert (await see(mine))[0] == 12

    async def test_a_view_does_not_see_a_turn_of_another_process_before_it_commits(
        self, make_engine: MakeEngine
    ) -> None:
        one, other = make_engine(), make_engine()
        async with one.run(), other.run(), opened(one) as mine, opened(other) as its:
            await begin(mine)
            mine.db.execute("UPDATE number SET value = 7")
            assert (await see(its))[0] == 0
            mine.commit()
            assert (await see(its))[0] == 7

    async def test_whoever_sees_the_commit_of_another_process_has_to_sync_it(
        self, make_engine: MakeEngine
    ) -> None:
        one, other = make_engine(), make_engine()
        async with one.run(), other.run(), opened(one) as mine, opened(other) as its:
            await see(its)
            assert await other.make_durable([its]) == {}
            assert await see(its) == (0, False)
            assert await add(mine, 3)
            assert await see(its) == (3, True)
            assert await see(its) == (3, True)
            await begin(its)
            assert its.rollback()
            await begin(its)
            assert its.commit()
            assert await other.make_durable([its]) == {}
            assert await see(its) == (3, False)

    async def test_a_store_found_with_commits_of_unknown_durability_is_synced_first(
        self, make_engine: MakeEngine
    ) -> None:
        one, other = make_engine(), make_engine()
        async with one.run(), other.run(), opened(one) as mine:
            assert await add(mine)
            async with opened(other) as its:
                assert await see(its) == (1, True)

    async def test_what_is_committed_has_a_name_until_anybody_commits_something_else(
        self, make_engine: MakeEngine
    ) -> None:
        one, other = make_engine(), make_engine()
        names = set()
        async with one.run(), other.run(), opened(one) as mine, opened(other) as its:
            for writer in (mine, its, its, mine):
                assert await add(writer)
                name = mine.version()
                await see(mine)
                await see(its)
                assert mine.version() == name
                assert name not in names
                names.add(name)

    async def test_a_wake_up_is_due_from_its_time_on_until_it_is_forgotten(
        self, make_engine: MakeEngine
    ) -> None:
        engine = make_engine()
        async with engine.run():
            for address, at in ((A, 100), (B, None)):
                store = await engine.open(address, Counter.migrations, create=True)
                assert store is not None
                await add(store)
                assert not await engine.close([(store, at)])
            assert await engine.due_wakes(99) == []
            (wake,) = await engine.due_wakes(100)
            assert wake.address == A
            await engine.forget_wakes([wake])
            assert await engine.due_wakes(10**9) == []

    async def test_a_wake_up_can_be_put_off(self, make_engine: MakeEngine) -> None:
        engine = make_engine()
        async with engine.run():
            store = await engine.open(A, Counter.migrations, create=True)
            assert store is not None
            await add(store)
            await engine.close([(store, 100)])
            await engine.put_off_wakes(await engine.due_wakes(100), 200)
            assert await engine.due_wakes(199) == []
            assert [wake.address for wake in await engine.due_wakes(200)] == [A]

    async def test_a_wake_up_set_anew_while_it_was_served_is_not_forgotten(
        self, make_engine: MakeEngine
    ) -> None:
        one, other = make_engine(), make_engine()
        async with one.run(), other.run():
            for engine in (one, other):
                store = await engine.open(A, Counter.migrations, create=True)
                assert store is not None
                await add(store)
                served = await engine.due_wakes(100)
                await engine.close([(store, 100)])
                await engine.forget_wakes(served)
            assert [wake.address for wake in await one.due_wakes(100)] == [A]

    async def test_of_two_processes_wake_ups_the_earlier_one_stands(
        self, make_engine: MakeEngine
    ) -> None:
        one, other = make_engine(), make_engine()
        async with one.run(), other.run():
            for engine, at in ((one, 50), (other, 100)):
                store = await engine.open(A, Counter.migrations, create=True)
                assert store is not None
                await add(store)
                await engine.close([(store, at)])
            assert [wake.address for wake in await other.due_wakes(50)] == [A]

    async def test_a_store_that_only_views_have_used_leaves_wake_ups_alone(
        self, make_engine: MakeEngine
    ) -> None:
        engine = make_engine()
        async with engine.run():
            store = await engine.open(A, Counter.migrations, create=True)
            assert store is not None
            await see(store)
            assert not await engine.close([(store, 100)])
            assert await engine.due_wakes(100) == []

    async def test_a_discarded_actor_is_woken_to_see_what_it_has_left_to_do(
        self, make_engine: MakeEngine
    ) -> None:
        engine = make_engine()
        async with engine.run():
            store = await engine.open(A, Counter.migrations, create=True)
            assert store is not None
            await add(store)
            await engine.discard(store)
            assert [wake.address for wake in await engine.due_wakes(0)] == [A]
            async with opened(engine) as store:
                assert (await see(store))[0] == 1

    async def test_a_discarded_store_on_which_no_turn_has_run_is_not_woken(
        self, make_engine: MakeEngine
    ) -> None:
        engine = make_engine()
        async with engine.run():
            store = await engine.open(A, Counter.migrations, create=True)
            assert store is not None
            await engine.discard(store)
            assert await engine.due_wakes(0) == []

    async def test_who_is_left_open_when_the_engine_closes_is_woken_by_the_next(
        self, make_engine: MakeEngine
    ) -> None:
        engine = make_engine()
        async with engine.run():
            store = await engine.open(A, Counter.migrations, create=True)
            assert store is not None
            await add(store)
        again = make_engine()
        async with again.run():
            assert [wake.address for wake in await again.due_wakes(0)] == [A]
            async with opened(again) as store:
                assert (await see(store))[0] == 1

    async def test_waiting_can_be_cancelled_and_changes_nothing(
        self, make_engine: MakeEngine
    ) -> None:
        engine = make_engine()
        async with engine.run(), opened(engine) as store:
            for to_write in (True, False):
                with trio.CancelScope() as scope:
                    scope.cancel()
                    await store.wait(to_write=to_write)
            assert await add(store)

    async def test_it_holds_a_sensible_number_of_stores(
        self, make_engine: MakeEngine
    ) -> None:
        engine = make_engine()
        async with engine.run():
            assert engine.max_activations >= 16

    async def test_a_database_of_a_newer_version_is_refused(
        self, make_engine: MakeEngine
    ) -> None:
        engine = make_engine()
        async with engine.run():
            async with opened(engine) as store:
                store.db.execute("PRAGMA user_version = 99")
            with pytest.raises(Exception, match="newer"):
                await engine.open(A, Counter.migrations, create=False)
