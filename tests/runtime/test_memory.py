"""What views have answered is given again, and never once it is not true any more.

Two systems on one data directory stand for two processes.
"""

from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actor_oauth.runtime import ActorSystem, RuntimeLimits
from actor_oauth.runtime.memory import ACTORS_AT_LEAST, Budget, Memory
from tests.support.callers import Caller
from tests.support.counter import Counter, RefusedError, Tally
from tests.support.disks import FaultyDisk
from tests.support.systems import open_counters


async def counted(system: ActorSystem, key: str = "a") -> Counter:
    """A counter at 1, in memory, of which nothing waits for the disk."""
    counter = system.get(Counter, key)
    await counter.add(1)
    await counter.value()
    return counter


def uses(system: ActorSystem) -> tuple[int, int]:
    """How often something was remembered, and how often not."""
    return system.remembered.hits, system.remembered.misses


async def test_an_answer_is_remembered_by_what_its_arguments_stand_for(
    data: Path,
) -> None:
    async with open_counters(data) as system:
        counter = await counted(system)
        first = await counter.tally("a")
        assert await counter.tally("A") is first
        assert uses(system) == (1, 1)
        assert await counter.tally("b") == first
        assert uses(system) == (1, 2)
        # Another view's answer to the same question is another one.
        assert await counter.double("a") == Tally(2)
        assert await counter.tally("a") is first


@pytest.mark.requirement("G12")
async def test_g12_a_turn_ends_what_is_remembered(data: Path) -> None:
    async with open_counters(data) as system:
        counter = await counted(system)
        for value in range(1, 4):
            for _ in range(3):
                assert await counter.tally("a") == Tally(value)
            await counter.add(1)
        assert uses(system) == (6, 3)


@pytest.mark.requirement("G12")
async def test_g12_a_turn_of_another_process_ends_what_is_remembered(
    data: Path,
) -> None:
    async with open_counters(data) as one, open_counters(data) as other:
        counter = await counted(one)
        for value in range(1, 4):
            for _ in range(3):
                assert await counter.tally("a") == Tally(value)
            await other.get(Counter, "a").add(1)
        assert one.remembered.hits > 0
        assert await counter.tally("a") == Tally(4)


async def test_a_turn_that_fails_or_writes_nothing_leaves_the_answer_true(
    data: Path,
) -> None:
    async with open_counters(data) as system:
        counter = await counted(system)
        first = await counter.tally("a")
        await counter.do(Counter.number)
        assert await counter.tally("a") is first
        with pytest.raises(RefusedError):
            await counter.add_and_fail()
        assert await counter.tally("a") == first


@pytest.mark.requirement("G3")
async def test_g3_nothing_is_remembered_past_a_commit_that_the_disk_has_not_confirmed(
    data: Path, nursery: trio.Nursery
) -> None:
    disk = FaultyDisk()
    async with open_counters(data, disk=disk) as system:
        counter = await counted(system)
        assert await counter.tally("a") == Tally(1)
        disk.hold()
        turn = Caller(nursery, counter.add(1))
        await disk.holds()
        looks = [Caller(nursery, counter.tally("a")) for _ in range(2)]
        await wait_all_tasks_blocked()
        assert not any(look.answered for look in looks)
        disk.let_go()
        assert await turn.answer() == 2
        assert [await look.answer() for look in looks] == [Tally(2)] * 2
        assert await counter.tally("a") == Tally(2)


@pytest.mark.requirement("G3")
async def test_g3_what_another_process_has_committed_is_synced_before_it_is_remembered(
    data: Path, nursery: trio.Nursery
) -> None:
    disk = FaultyDisk()
    async with open_counters(data, disk=disk) as one, open_counters(data) as other:
        counter = await counted(one)
        assert await counter.tally("a") == await counter.tally("a") == Tally(1)
        disk.hold()
        await other.get(Counter, "a").add(1)
        looks = [Caller(nursery, counter.tally("a")) for _ in range(2)]
        await wait_all_tasks_blocked()
        assert not any(look.answered for look in looks)
        disk.let_go()
        assert [await look.answer() for look in looks] == [Tally(2)] * 2


async def test_the_answer_none_is_not_remembered(data: Path) -> None:
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.add(0)
        for _ in range(3):
            assert await counter.tally("a") is None
        assert system.remembered.hits == 0
        assert system.remembered.used == 0


async def test_an_actor_that_is_passivated_forgets(
    data: Path, autojump_clock: trio.testing.MockClock
) -> None:
    limits = RuntimeLimits(idle_seconds=5)
    async with open_counters(data, limits=limits) as system:
        await (await counted(system)).tally("a")
        assert system.remembered.used == 100
        await trio.sleep(20)
        assert system.activations == 0
        assert system.remembered.used == 0


@pytest.mark.requirement("G5")
async def test_g5_without_a_budget_nothing_is_remembered(data: Path) -> None:
    async with open_counters(data, limits=RuntimeLimits(remembered_bytes=0)) as system:
        counter = await counted(system)
        for _ in range(3):
            assert await counter.tally("a") == Tally(1)
        assert system.remembered.hits == 0


@pytest.mark.requirement("G5")
def test_g5_an_actor_that_has_taken_its_share_begins_anew() -> None:
    budget = Budget(ACTORS_AT_LEAST * 100)
    memory = Memory(budget)
    for number in range(3):
        assert memory.recall(1, number) is None
        memory.keep(number, Tally(number, weight=40))
        assert budget.used == (40, 80, 40)[number]
    assert memory.recall(1, 0) is None
    assert memory.recall(1, 2) == Tally(2, weight=40)
    # One that is more than a share is not kept at all.
    memory.keep(3, Tally(3, weight=101))
    assert memory.recall(1, 3) is None
    assert memory.recall(1, 2) == Tally(2, weight=40)


@pytest.mark.requirement("G5")
def test_g5_what_all_actors_remember_has_a_bound() -> None:
    budget = Budget(ACTORS_AT_LEAST * 100)
    memories = [Memory(budget) for _ in range(ACTORS_AT_LEAST + 1)]
    for memory in memories:
        memory.recall(1, "a")
        memory.keep("a", Tally(1))
    assert budget.used == ACTORS_AT_LEAST * 100
    assert memories[0].recall(1, "a") == Tally(1)
    assert memories[-1].recall(1, "a") is None
    memories[0].recall(2, "a")
    memories[-1].keep("a", Tally(1))
    assert memories[-1].recall(1, "a") == Tally(1)
