"""G5: mailboxes, callers, activations, open files and memory have bounds."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actor_oauth.runtime import ActorSystem, OverloadedError, RuntimeLimits
from tests.support.callers import Caller
from tests.support.counter import Counter
from tests.support.disks import FaultyDisk
from tests.support.eventually import eventually
from tests.support.files import no_index, open_files
from tests.support.systems import hold_elsewhere, open_counters

pytestmark = pytest.mark.requirement("G5")


@asynccontextmanager
async def blocked(
    data: Path, limits: RuntimeLimits
) -> AsyncIterator[tuple[ActorSystem, Counter, trio.Event]]:
    """A system whose counter "a" another process holds, until the event is set."""
    async with open_counters(data) as other, open_counters(data, limits=limits) as one:
        counter = one.get(Counter, "a")
        let_go = await hold_elsewhere(counter, other)
        release = trio.Event()

        async def roll_back() -> None:
            await release.wait()
            let_go()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(roll_back)
            yield one, counter, release
            release.set()


async def test_g5_a_full_mailbox_makes_callers_wait_in_line_and_loses_nobody(
    data: Path, nursery: trio.Nursery
) -> None:
    limits = RuntimeLimits(mailbox_size=3)
    async with blocked(data, limits) as (system, counter, release):
        calls = []
        for _ in range(12):
            calls.append(Caller(nursery, counter.add(1)))
            await wait_all_tasks_blocked()
        activation = system._directory.find(counter.address)
        assert activation is not None
        assert len(activation.mailbox) == 3
        release.set()
        # In line as in the mailbox: first come, first served.
        assert [await call.answer() for call in calls] == list(range(2, 14))


async def test_g5_a_newcomer_does_not_take_the_place_of_those_in_line(
    data: Path, nursery: trio.Nursery
) -> None:
    order: list[str] = []

    def turn(name: str) -> Callable[[Counter], None]:
        return lambda _: order.append(name)

    limits = RuntimeLimits(mailbox_size=1)
    async with blocked(data, limits) as (_, counter, release):
        for name in ("first", "second", "third"):
            Caller(nursery, counter.do(turn(name)))
            await wait_all_tasks_blocked()
        release.set()
        # It comes again and again while the others' places become free.
        newcomer = 0
        while len(order) < 3:
            await counter.do(turn("newcomer"))
            newcomer += 1
        others = [name for name in order if name != "newcomer"]
        assert others == ["first", "second", "third"]
        assert newcomer == 1


async def test_g5_a_caller_waits_for_a_full_mailbox_only_until_its_deadline(
    data: Path, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    limits = RuntimeLimits(mailbox_size=1, call_seconds=2)
    async with blocked(data, limits) as (_, counter, release):
        calls = [Caller(nursery, counter.add(1)) for _ in range(4)]
        start = trio.current_time()
        for call in calls:
            with pytest.raises(OverloadedError):
                await call.answer()
        assert trio.current_time() - start == pytest.approx(2)
        release.set()
        assert await counter.add(1) == 2


async def test_g5_with_too_many_callers_waiting_the_next_is_refused_at_once(
    data: Path, nursery: trio.Nursery
) -> None:
    limits = RuntimeLimits(max_waiting=5)
    async with blocked(data, limits) as (system, counter, release):
        calls = [Caller(nursery, counter.add(1)) for _ in range(5)]
        await wait_all_tasks_blocked()
        with pytest.raises(OverloadedError, match="too many"):
            await system.get(Counter, "b").add(1)
        # Views of actors in memory wait for nobody.
        assert await counter.value() == 1
        release.set()
        for call in calls:
            await call.answer()
        assert await system.get(Counter, "b").add(1) == 1


async def test_g5_the_least_recently_used_idle_actors_make_room(data: Path) -> None:
    limits = RuntimeLimits(max_activations=4)
    async with open_counters(data, limits=limits) as system:
        for round_ in range(1, 4):
            for number in range(12):
                assert await system.get(Counter, f"n{number}").add(1) == round_
                assert system.activations <= 4
                assert len(open_files(data / "actors")) <= 4 * 5
            # The one that is used all the time stays.
        kept = system._directory.find(system.get(Counter, "n11").address)
        for number in range(8):
            await system.get(Counter, f"n{number}").value()
            await system.get(Counter, "n11").value()
        assert system._directory.find(system.get(Counter, "n11").address) is kept


async def test_g5_room_is_made_before_anybody_has_to_wait_for_it(
    data: Path, autojump_clock: MockClock
) -> None:
    limits = RuntimeLimits(max_activations=32)
    async with open_counters(data, limits=limits) as system:
        for number in range(32):
            await system.get(Counter, f"n{number}").add(1)
        await trio.testing.wait_all_tasks_blocked()
        # At 31 there were three too many, which went together; then the last one came.
        assert system.activations == 29
        assert system._directory.find(system.get(Counter, "n0").address) is None
        assert await system.get(Counter, "n0").value() == 1


async def test_g5_while_no_actor_is_idle_others_wait_in_line_and_then_get_room(
    data: Path, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    disk = FaultyDisk()
    limits = RuntimeLimits(max_activations=2)
    async with open_counters(data, disk=disk, limits=limits) as system:
        disk.hold()
        busy = [Caller(nursery, system.get(Counter, f"n{n}").add(1)) for n in range(2)]
        await disk.holds()
        waiting = []
        for number in range(2, 8):
            # Several callers of one actor share its place in line.
            for _ in range(2):
                counter = system.get(Counter, f"n{number}")
                waiting.append(Caller(nursery, counter.add(1)))
        await trio.sleep(1)
        assert system.activations == 2
        assert not any(call.answered for call in waiting)
        disk.let_go()
        assert [await call.answer() for call in busy] == [1, 1]
        assert sorted([await call.answer() for call in waiting]) == [1] * 6 + [2] * 6
        assert system.activations <= 2


async def test_g5_who_gives_up_waiting_for_room_leaves_no_trace(
    data: Path, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    disk = FaultyDisk()
    limits = RuntimeLimits(max_activations=2, call_seconds=3)
    async with open_counters(data, disk=disk, limits=limits) as system:
        disk.hold()
        busy = Caller(nursery, system.get(Counter, "a").add(1))
        Caller(nursery, system.get(Counter, "b").add(1))
        await disk.holds()
        await wait_all_tasks_blocked()
        calls = [Caller(nursery, system.get(Counter, f"n{n}").add(1)) for n in range(9)]
        twin = Caller(nursery, system.get(Counter, "n0").add(1))
        await wait_all_tasks_blocked()
        await calls[0].cancel()
        for call in [*calls[1:], twin, busy]:
            with pytest.raises(OverloadedError):
                await call.answer()
        assert len(system._directory._line) == 0
        disk.let_go()
        assert await system.get(Counter, "n3").add(1) == 1
        assert await system.get(Counter, "a").value() == 1


async def test_g5_an_actor_unused_for_long_is_passivated(
    data: Path, autojump_clock: MockClock
) -> None:
    limits = RuntimeLimits(idle_seconds=60)
    async with open_counters(data, limits=limits) as system:
        for number in range(40):
            await system.get(Counter, f"n{number}").add(1)
        used = system.get(Counter, "n0")
        for _ in range(8):
            await trio.sleep(10)
            await used.value()
        assert system.activations == 1
        await trio.sleep(80)
        assert system.activations == 0
        assert open_files(data / "actors") == []
        assert await used.value() == 1


async def test_g5_nothing_of_a_passivated_actor_stays_in_memory(
    data: Path, autojump_clock: MockClock
) -> None:
    limits = RuntimeLimits(idle_seconds=1)
    async with open_counters(data, limits=limits) as system:
        for number in range(100):
            counter = system.get(Counter, f"n{number}")
            await counter.wake_me(10**10)
            await counter.tell("receiver", str(number))
            await system.delivered(counter)
        await trio.sleep(10)
        assert system.activations == 0
        assert len(system._alarms) <= 64
        assert len(system._deliveries) == 0
        assert len(system._dispatcher._round) == 0


async def test_g5_moving_an_alarm_often_costs_no_memory(data: Path) -> None:
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        for at in range(500):
            await counter.wake_me(10**10 + at)
        assert len(system._alarms) < 100
        assert await counter.see(Counter.get_alarm) == 10**10 + 499


async def test_g5_actors_whose_wake_up_cannot_be_noted_stay_and_others_make_room(
    data: Path, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    limits = RuntimeLimits(max_activations=3, idle_seconds=5)
    async with open_counters(data, limits=limits) as system:
        await system.get(Counter, "a").wake_me(10**10)
        with no_index(data):
            await trio.sleep(60)
            # Swept in vain, and not in a busy loop.
            assert system.activations == 1
            for number in range(6):
                assert await system.get(Counter, f"n{number}").add(1) == 1
            assert system.get(Counter, "a").address in system._directory

        async def nobody_left() -> bool:
            return system.activations == 0

        await eventually(nobody_left)
        assert await system.get(Counter, "a").see(Counter.get_alarm) == 10**10


async def test_g5_actors_that_only_wait_for_a_failing_receiver_make_room(
    data: Path, autojump_clock: MockClock
) -> None:
    limits = RuntimeLimits(max_activations=2, call_seconds=5)
    async with open_counters(data, limits=limits) as system:
        receiver = system.get(Counter, "receiver")
        await receiver.note("taken")
        for number in range(6):
            # The note has been taken: the receiver cannot receive it.
            await system.get(Counter, f"n{number}").tell("receiver", "taken")
        for number in range(12):
            assert await system.get(Counter, f"other{number}").add(1) == 1
        assert len(system._deliveries) <= 2
