"""G8: actors that nobody has in memory are woken, whatever else is due or broken."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from actor_oauth.runtime import ActorSystem, RuntimeLimits, TrioClock, open_system
from tests.support.counter import Counter
from tests.support.disks import FaultyDisk
from tests.support.eventually import woken
from tests.support.failing import Failing
from tests.support.files import find, no_index, write
from tests.support.systems import SlowToClose, open_counters

pytestmark = [
    pytest.mark.requirement("G8"),
    pytest.mark.usefixtures("failing_alarms"),
]

START = 1_700_000_000


@pytest.fixture
def few_wakes_at_once(monkeypatch: pytest.MonkeyPatch) -> int:
    """The engine gives only so many wake-ups at a time."""
    for module in ("waker", "local.wakes"):
        monkeypatch.setattr(f"actor_oauth.runtime.{module}.WAKES_AT_ONCE", 10)
    return 10


async def test_g8_many_alarms_that_fail_hide_no_other(
    data: Path, autojump_clock: MockClock, few_wakes_at_once: int
) -> None:
    limits = RuntimeLimits(idle_seconds=5, max_activations=8)
    async with open_counters(data, kinds=[Failing, Counter], limits=limits) as system:
        failing = 3 * few_wakes_at_once
        for number in range(failing):
            await system.get(Failing, f"n{number}").wake_me(START + 500)
        counter = system.get(Counter, "a")
        await counter.wake_me(START + 501)
        await trio.sleep(500)
        assert system.activations == 0
        await trio.sleep(30)
        assert len(await counter.notes()) == 1
        assert len(Failing.attempts) >= failing
        assert len(system._alarms) < 64 + 3 * 8
        Failing.fails = False
        await trio.sleep(120)
        assert await system.get(Failing, "n7").alarm() is None


async def test_g8_the_alarm_of_an_actor_that_cannot_be_loaded_hides_no_other(
    data: Path,
    autojump_clock: MockClock,
) -> None:
    clock = TrioClock()
    async with open_counters(data, clock=clock) as system:
        await system.get(Counter, "a").wake_me(START + 10)
        await system.get(Counter, "b").wake_me(START + 11)
    path = find(data, "a.db")
    sound = path.read_bytes()
    write(path, b"garbage " * 1000)
    await trio.sleep(20)
    async with open_counters(data, clock=clock) as system:
        await woken(system)
        assert len(await system.get(Counter, "b").notes()) == 1
        await trio.sleep(300)
        write(path, sound)
        await trio.sleep(100)
        assert len(await system.get(Counter, "a").notes()) == 1


async def test_g8_alarms_of_kinds_that_a_process_does_not_serve_wait_for_another(
    data: Path,
    autojump_clock: MockClock,
) -> None:
    clock = TrioClock()
    async with open_counters(data, kinds=[Counter, Failing], clock=clock) as system:
        await system.get(Counter, "a").wake_me(START + 10)
    await trio.sleep(20)
    async with open_counters(data, kinds=[Failing], clock=clock):
        await trio.sleep(200)
    async with open_counters(data, clock=clock) as system:
        await woken(system)
        assert len(await system.get(Counter, "a").notes()) == 1


async def test_g8_the_alarm_of_an_actor_whose_sync_failed_fires(
    data: Path, autojump_clock: MockClock
) -> None:
    disk = FaultyDisk()
    async with open_counters(data, disk=disk) as system:
        counter = system.get(Counter, "a")
        await counter.wake_me(START + 50)
        disk.failing = {"a.db-wal"}
        with pytest.raises(Exception, match="disk"):
            await counter.add(1)
        disk.failing.clear()
        await trio.sleep(60)
        assert system.activations == 1
        assert len(await counter.notes()) == 1


async def test_g8_the_alarm_of_a_broken_actor_survives_an_immediate_restart(
    data: Path,
    autojump_clock: MockClock,
) -> None:
    disk = FaultyDisk()
    clock = TrioClock()
    async with open_counters(data, disk=disk, clock=clock) as system:
        counter = system.get(Counter, "a")
        await counter.wake_me(START + 50)
        disk.failing = {"a.db-wal"}
        with pytest.raises(Exception, match="disk"):
            await counter.add(1)
    await trio.sleep(100)
    async with open_counters(data, clock=clock) as system:
        await woken(system)
        assert len(await system.get(Counter, "a").notes()) == 1


async def test_g8_two_processes_fire_once(
    data: Path, autojump_clock: MockClock
) -> None:
    async def both(one: ActorSystem, other: ActorSystem) -> None:
        counters = [one.get(Counter, "a"), other.get(Counter, "a")]
        for counter in counters:
            await counter.add(1)
        await counters[0].wake_me(START + 50)
        # Passivated by both, it is in the index they share.
        await trio.sleep(40)
        assert one.activations == other.activations == 0
        await trio.sleep(20)
        assert len(await counters[1].notes()) == 1
        # In memory in both, one of them moves what the other has set.
        now = START + 60
        await counters[0].wake_me(now + 1000)
        await counters[1].wake_me(now + 5)
        await trio.sleep(9)
        assert len(await counters[0].notes()) == 2

    limits = RuntimeLimits(idle_seconds=5)
    clock = TrioClock()
    async with (
        open_counters(data, limits=limits, clock=clock) as one,
        open_counters(data, limits=limits, clock=clock) as other,
    ):
        await both(one, other)


async def test_g8_a_process_that_goes_leaves_no_later_time_than_another_has_set(
    data: Path,
    autojump_clock: MockClock,
) -> None:
    clock = TrioClock()
    async with open_counters(data, clock=clock) as one:
        await one.get(Counter, "a").wake_me(START + 10**6)
        async with open_counters(data, clock=clock) as other:
            await other.get(Counter, "a").wake_me(START + 50)
    await trio.sleep(100)
    async with open_counters(data, clock=clock) as system:
        await woken(system)
        assert len(await system.get(Counter, "a").notes()) == 1


async def test_g8_wake_ups_go_on_after_the_index_was_out_of_order(
    data: Path, autojump_clock: MockClock
) -> None:
    limits = RuntimeLimits(idle_seconds=5)
    async with open_counters(data, limits=limits) as system:
        counter = system.get(Counter, "a")
        await counter.wake_me(START + 100)
        await trio.sleep(50)
        with no_index(data):
            await trio.sleep(100)
            assert system.activations == 0
        await trio.sleep(10)
        assert len(await counter.notes()) == 1


async def test_g8_many_alarms_due_at_once_do_not_wait_for_each_other(
    data: Path, autojump_clock: MockClock, few_wakes_at_once: int
) -> None:
    clock = TrioClock()
    async with open_counters(data, clock=clock) as system:
        for number in range(3 * few_wakes_at_once):
            await system.get(Counter, f"n{number}").wake_me(START + 10)
    await trio.sleep(20)
    limits = RuntimeLimits(poll_seconds=100)
    async with open_counters(data, clock=clock, limits=limits) as system:
        await trio.sleep(50)
        for number in range(3 * few_wakes_at_once):
            assert len(await system.get(Counter, f"n{number}").notes()) == 1


async def test_g8_a_clock_that_is_set_forward_is_noticed_within_a_minute(
    data: Path,
    autojump_clock: MockClock,
) -> None:
    class Set(TrioClock):
        ahead = 0

        def now(self) -> int:
            return super().now() + self.ahead

    clock = Set()
    async with open_counters(data, clock=clock) as system:
        counter = system.get(Counter, "a")
        await counter.wake_me(START + 3600)
        clock.ahead = 3600
        await trio.sleep(61)
        assert len(await counter.notes()) == 1


async def test_g8_an_alarm_set_while_the_actor_is_passivated_fires(
    data: Path, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    engine = SlowToClose(data)
    limits = RuntimeLimits(idle_seconds=1)
    async with open_system(
        engine, [Counter], limits=limits, clock=TrioClock()
    ) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        await engine.closing.wait()
        nursery.start_soon(counter.wake_me, START + 20)
        await trio.sleep(5)
        engine.close_now.set()
        await trio.sleep(30)
        assert len(await counter.notes()) == 1
