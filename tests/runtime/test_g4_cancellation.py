"""G4: a caller that goes away never stops a turn half-way, and never loses one."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actor_oauth.runtime import OverloadedError, RuntimeLimits
from tests.support.callers import Caller
from tests.support.counter import Counter
from tests.support.disks import FaultyDisk
from tests.support.systems import hold_elsewhere, open_counters

pytestmark = pytest.mark.requirement("G4")


async def test_g4_a_turn_whose_caller_goes_while_the_disk_is_waited_for_stays(
    data: Path, nursery: trio.Nursery
) -> None:
    disk = FaultyDisk()
    async with open_counters(data, disk=disk) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        disk.hold()
        gone, stays = (
            Caller(nursery, counter.add(1)),
            Caller(nursery, counter.add(1)),
        )
        await disk.holds()
        await gone.cancel()
        assert gone.cancelled
        disk.let_go()
        assert await stays.answer() in {2, 3}
        assert await counter.value() == 3


async def test_g4_a_view_whose_caller_goes_while_the_disk_is_waited_for_is_dropped(
    data: Path, nursery: trio.Nursery
) -> None:
    disk = FaultyDisk()
    async with open_counters(data, disk=disk) as system:
        counter = system.get(Counter, "a")
        disk.hold()
        turn = Caller(nursery, counter.add(1))
        await disk.holds()
        view = Caller(nursery, counter.value())
        await wait_all_tasks_blocked()
        await view.cancel()
        disk.let_go()
        assert await turn.answer() == 1
        assert await counter.value() == 1


async def test_g4_a_turn_whose_caller_goes_before_it_ran_does_not_run(
    data: Path, nursery: trio.Nursery
) -> None:
    ran: list[str] = []

    def run(inside: Counter) -> None:
        inside.db.execute("UPDATE number SET value = value + 1")
        ran.append("once")

    async with open_counters(data) as one, open_counters(data) as other:
        # Another process holds the actor, so turns have to wait.
        counter = one.get(Counter, "a")
        let_go = await hold_elsewhere(counter, other)
        gone = Caller(nursery, counter.do(run))
        stays = Caller(nursery, counter.do(run))
        await gone.cancel()
        assert gone.cancelled
        let_go()
        await stays.answer()
        assert ran == ["once"]
        assert await counter.value() == 2


async def test_g4_a_caller_that_goes_while_the_actor_is_loaded_leaves_it_loaded(
    data: Path, nursery: trio.Nursery
) -> None:
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        gone = Caller(nursery, counter.add(1))
        await gone.cancel()
        assert gone.cancelled
        assert await counter.add(1) == 1


async def test_g4_cancelled_at_every_step_a_turn_is_done_whole_or_not_at_all(
    data: Path, nursery: trio.Nursery
) -> None:
    def both(inside: Counter) -> None:
        number = inside.number() + 1
        inside.db.execute("UPDATE number SET value = ?", (number,))
        inside.db.execute("INSERT INTO notes (text) VALUES (?)", (str(number),))

    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        cancelled = 0
        for steps in range(40):
            call = Caller(nursery, counter.do(both))
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            await call.cancel()
            cancelled += call.cancelled
            notes = await counter.notes()
            assert await counter.value() == len(notes)
            assert call.cancelled or len(notes) > 0
        # Both kinds of outcome have been seen.
        assert 0 < cancelled < 40


async def test_g4_a_deadline_is_overload_and_the_turn_is_whole_or_not_at_all(
    data: Path, autojump_clock: MockClock
) -> None:
    disk = FaultyDisk()
    limits = RuntimeLimits(call_seconds=3)
    async with open_counters(data, disk=disk, limits=limits) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        disk.hold()
        start = trio.current_time()
        with trio.fail_after(100), pytest.raises(OverloadedError):
            await counter.add(1)
        assert trio.current_time() - start == pytest.approx(3)
        # Committed, but nobody could say so.
        disk.let_go()
        assert await counter.value() == 2


async def test_g4_a_caller_that_gives_up_its_place_in_line_holds_nobody_up(
    data: Path, nursery: trio.Nursery
) -> None:
    limits = RuntimeLimits(mailbox_size=1)
    async with (
        open_counters(data, limits=limits) as one,
        open_counters(data) as other,
    ):
        counter = one.get(Counter, "a")
        let_go = await hold_elsewhere(counter, other)
        # The first waits for the other process in the only place, the others in line.
        calls = []
        for _ in range(5):
            calls.append(Caller(nursery, counter.add(1)))
            await wait_all_tasks_blocked()
        first, *in_line = calls
        for call in in_line[::2]:
            await call.cancel()
        let_go()
        assert await first.answer() == 2
        assert [await call.answer() for call in in_line[1::2]] == [3, 4]
