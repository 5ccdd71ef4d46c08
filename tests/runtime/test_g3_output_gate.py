"""G3: no reply leaves before what it tells of is on stable storage.

The disk of these tests holds its syncs back, or fails them. While it holds, everything
that can run runs (`wait_all_tasks_blocked`), and nothing may have been answered.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actor_oauth.runtime import (
    ActorSystem,
    NotDurableError,
    OverloadedError,
    RuntimeLimits,
)
from tests.support.callers import Caller
from tests.support.counter import Counter, RefusedError
from tests.support.disks import FaultyDisk
from tests.support.systems import open_counters

pytestmark = pytest.mark.requirement("G3")


@pytest.fixture
def disk() -> FaultyDisk:
    """The disk."""
    return FaultyDisk()


@pytest.fixture
async def system(data: Path, disk: FaultyDisk) -> AsyncIterator[ActorSystem]:
    """A system on the disk, with a counter "a" at 1 that is in memory."""
    async with open_counters(data, disk=disk) as system:
        await system.get(Counter, "a").add(1)
        yield system
        disk.failing.clear()
        disk.let_go()


def fail(inside: Counter) -> None:
    """Tell what the number is, by an exception."""
    raise RefusedError(inside.number())


async def test_g3_nothing_that_tells_of_a_turn_is_answered_before_the_turn_is_durable(
    system: ActorSystem, disk: FaultyDisk, nursery: trio.Nursery
) -> None:
    counter = system.get(Counter, "a")
    disk.hold()
    turn = Caller(nursery, counter.add(10))
    await disk.holds()
    view = Caller(nursery, counter.value())
    reading_turn = Caller(nursery, counter.do(Counter.number))
    failing_turn = Caller(nursery, counter.do(fail))
    failing_view = Caller(nursery, counter.see(fail))
    await wait_all_tasks_blocked()
    everything = (turn, view, reading_turn, failing_turn, failing_view)
    assert not any(call.answered for call in everything)
    # Another actor has nothing to wait for, and its views go on.
    assert await system.get(Counter, "b").value() == 0
    disk.let_go()
    assert [await call.answer() for call in (turn, view, reading_turn)] == [11, 11, 11]
    for call in (failing_turn, failing_view):
        with pytest.raises(RefusedError, match="11"):
            await call.answer()


async def test_g3_what_is_durable_is_answered_without_another_sync(
    system: ActorSystem, disk: FaultyDisk
) -> None:
    counter = system.get(Counter, "a")
    # The log was begun by a connection of its own, whose commit is synced once.
    await counter.value()
    disk.hold()
    assert await counter.value() == 1
    assert await counter.do(Counter.number) == 1
    for call in (counter.do, counter.see):
        with pytest.raises(RefusedError):
            await call(fail)


async def test_g3_a_message_leaves_only_when_its_turn_is_durable(
    system: ActorSystem, disk: FaultyDisk, nursery: trio.Nursery
) -> None:
    receiver = system.get(Counter, "b")
    await receiver.add(1)
    disk.hold()
    Caller(nursery, system.get(Counter, "a").tell("b", "news"))
    await disk.holds()
    await wait_all_tasks_blocked()
    # A view of the committed state would wait for the sync, had the message arrived.
    assert await receiver.notes() == []
    disk.let_go()
    await system.delivered(system.get(Counter, "a"))
    assert await receiver.notes() == ["news"]


async def test_g3_turns_of_many_actors_are_made_durable_together(
    system: ActorSystem, disk: FaultyDisk, nursery: trio.Nursery
) -> None:
    for number in range(8):
        await system.get(Counter, f"n{number}").add(1)
    disk.hold()
    Caller(nursery, system.get(Counter, "a").add(1))
    await disk.holds()
    turns = [Caller(nursery, system.get(Counter, f"n{n}").add(1)) for n in range(8)]
    await wait_all_tasks_blocked()
    disk.synced.clear()
    disk.batches = 0
    disk.let_go()
    assert [await turn.answer() for turn in turns] == [2] * 8
    # The held sync, and one for the eight together.
    assert disk.batches == 1
    held, *together = disk.synced
    assert held == "a.db-wal"
    assert [name.rpartition(".")[2] for name in together] == ["redo"]


async def test_g3_without_a_redo_log_each_log_is_synced(
    data: Path, nursery: trio.Nursery
) -> None:
    disk = FaultyDisk()
    disk.boots = None
    async with open_counters(data, disk=disk) as system:
        for number in range(8):
            await system.get(Counter, f"n{number}").add(1)
        disk.hold()
        Caller(nursery, system.get(Counter, "a").add(1))
        await disk.holds()
        turns = [Caller(nursery, system.get(Counter, f"n{n}").add(1)) for n in range(8)]
        await wait_all_tasks_blocked()
        disk.synced.clear()
        disk.batches = 0
        disk.let_go()
        assert [await turn.answer() for turn in turns] == [2] * 8
        # Shared out among two threads.
        assert disk.batches == 2
        logs = [name for name in disk.synced if name.endswith("-wal")]
        assert logs[0] == "a.db-wal"
        assert sorted(logs[1:]) == [f"n{number}.db-wal" for number in range(8)]


async def test_g3_callers_who_come_back_one_by_one_are_gathered_for_one_sync(
    system: ActorSystem, disk: FaultyDisk
) -> None:
    async def count(number: int, *, passes: int) -> None:
        for _ in range(passes):
            await trio.lowlevel.checkpoint()
        await system.get(Counter, f"n{number}").add(1)

    rounds = []
    # Trio runs tasks in either order, and about one round in ten comes apart by that.
    # Without gathering each round takes three syncs and more.
    for _ in range(6):
        for _ in range(2):
            async with trio.open_nursery() as together:
                for number in range(8):
                    together.start_soon(partial(count, number, passes=0))
        disk.synced.clear()
        async with trio.open_nursery() as one_by_one:
            for number in range(8):
                one_by_one.start_soon(partial(count, number, passes=number))
        rounds.append([name.rpartition(".")[2] for name in disk.synced])
    assert ["redo"] in rounds


async def test_g3_many_turns_of_one_actor_share_a_sync(
    system: ActorSystem, disk: FaultyDisk, nursery: trio.Nursery
) -> None:
    counter = system.get(Counter, "a")
    disk.hold()
    first = Caller(nursery, counter.add(1))
    await disk.holds()
    turns = [Caller(nursery, counter.add(1)) for _ in range(50)]
    await wait_all_tasks_blocked()
    disk.synced.clear()
    disk.let_go()
    assert await first.answer() == 2
    assert sorted([await turn.answer() for turn in turns]) == list(range(3, 53))
    assert disk.synced.count("a.db-wal") == 2


async def test_g3_after_a_failed_sync_nobody_is_answered_and_the_state_is_read_anew(
    system: ActorSystem, disk: FaultyDisk, nursery: trio.Nursery
) -> None:
    counter = system.get(Counter, "a")
    before = system._directory.find(counter.address)
    disk.hold()
    held: list[Caller[object]] = [Caller(nursery, counter.add(1))]
    await disk.holds()
    held.append(Caller(nursery, counter.value()))
    held.append(Caller(nursery, counter.do(fail)))
    # This one commits after the sync that is going to fail has begun.
    held.append(Caller(nursery, counter.add(1)))
    await wait_all_tasks_blocked()
    disk.failing_once = {"a.db-wal"}
    disk.let_go()
    for call in held:
        with pytest.raises(NotDurableError):
            await call.answer()
    assert await counter.value() in {1, 2, 3}
    after = system._directory.find(counter.address)
    assert after is not None
    assert after is not before
    value = await counter.add(1)
    assert await counter.value() == value


async def test_g3_a_failed_sync_concerns_only_its_own_actor(
    system: ActorSystem, disk: FaultyDisk, nursery: trio.Nursery
) -> None:
    await system.get(Counter, "b").add(1)
    disk.hold()
    first = Caller(nursery, system.get(Counter, "c").add(1))
    await disk.holds()
    # Its first commit: such a one is not in the redo log.
    broken = Caller(nursery, system.get(Counter, "d").add(1))
    sound = Caller(nursery, system.get(Counter, "b").add(1))
    await wait_all_tasks_blocked()
    disk.failing = {"d.db-wal"}
    disk.let_go()
    assert await first.answer() == 1
    assert await sound.answer() == 2
    with pytest.raises(NotDurableError):
        await broken.answer()


async def test_g3_a_turn_queued_behind_a_failed_sync_runs_on_what_is_read_anew(
    system: ActorSystem, disk: FaultyDisk, nursery: trio.Nursery
) -> None:
    counter = system.get(Counter, "a")
    disk.failing = {"a.db-wal"}
    first = Caller(nursery, counter.add(1))
    with pytest.raises(NotDurableError):
        await first.answer()
    disk.failing.clear()
    later = [Caller(nursery, counter.add(1)) for _ in range(3)]
    values = [await call.answer() for call in later]
    assert sorted(values) == list(range(min(values), min(values) + 3))


async def test_g3_an_activation_that_broke_is_closed_only_after_its_last_sync(
    system: ActorSystem, disk: FaultyDisk, nursery: trio.Nursery
) -> None:
    def close(inside: Counter) -> None:
        inside.db.close()

    counter = system.get(Counter, "a")
    disk.hold()
    committed = Caller(nursery, counter.add(1))
    await disk.holds()
    breaks = Caller(nursery, counter.do(close))
    again = Caller(nursery, counter.add(1))
    await wait_all_tasks_blocked()
    assert not committed.answered
    assert not again.answered
    # It is there, and not opened anew, until its sync is over.
    assert counter.address in system._directory
    assert system._directory.find(counter.address) is None
    disk.let_go()
    assert await committed.answer() == 2
    with pytest.raises(Exception, match="closed database"):
        await breaks.answer()
    assert await again.answer() == 3


async def test_g3_a_failed_sync_after_a_break_is_told_too(
    system: ActorSystem, disk: FaultyDisk, nursery: trio.Nursery
) -> None:
    counter = system.get(Counter, "a")
    disk.hold()
    committed = Caller(nursery, counter.add(1))
    await disk.holds()
    breaks = Caller(nursery, counter.do(lambda inside: inside.db.close()))
    await wait_all_tasks_blocked()
    disk.failing = {"a.db-wal"}
    disk.let_go()
    with pytest.raises(NotDurableError):
        await committed.answer()
    with pytest.raises(NotDurableError):
        await breaks.answer()
    disk.failing.clear()
    assert await counter.value() in {1, 2}


@asynccontextmanager
async def two_systems(
    data: Path, disk: FaultyDisk
) -> AsyncIterator[tuple[Counter, Counter]]:
    """One counter seen by two systems, as by two processes; the disk is the second's."""
    async with open_counters(data) as one, open_counters(data, disk=disk) as two:
        mine, its = one.get(Counter, "a"), two.get(Counter, "a")
        await mine.add(1)
        await its.do(Counter.number)
        yield mine, its
        disk.let_go()


async def test_g3_what_another_process_committed_is_synced_before_it_is_told(
    data: Path, disk: FaultyDisk, nursery: trio.Nursery
) -> None:
    async with two_systems(data, disk) as (mine, its):
        disk.hold()
        assert await its.value() == 1
        await mine.add(1)
        calls: list[Caller[object]] = [
            Caller(nursery, its.value()),
            Caller(nursery, its.do(Counter.number)),
            Caller(nursery, its.do(fail)),
            Caller(nursery, its.see(fail)),
        ]
        await wait_all_tasks_blocked()
        assert not any(call.answered for call in calls)
        disk.let_go()
        assert [await call.answer() for call in calls[:2]] == [2, 2]
        for call in calls[2:]:
            with pytest.raises(RefusedError, match="2"):
                await call.answer()


async def test_g3_a_view_that_waits_for_the_disk_has_a_deadline(
    data: Path,
    disk: FaultyDisk,
    nursery: trio.Nursery,
    autojump_clock: trio.testing.MockClock,
) -> None:
    limits = RuntimeLimits(call_seconds=5)
    async with open_counters(data, disk=disk, limits=limits) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        disk.hold()
        turn = Caller(nursery, counter.add(1))
        await disk.holds()
        with pytest.raises(OverloadedError, match="disk"):
            await counter.value()
        with pytest.raises(OverloadedError):
            await turn.answer()
        disk.let_go()
        # The turn had been committed, as `OverloadedError` warns.
        assert await counter.value() == 2
