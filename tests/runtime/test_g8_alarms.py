"""G8: alarms survive restarts and fire at least once, at or after their time."""

from itertools import pairwise
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from actor_oauth.runtime import RuntimeLimits, TrioClock
from tests.support.counter import MIGRATIONS, Counter
from tests.support.disks import FaultyDisk, copy_as_killed
from tests.support.eventually import eventually, woken
from tests.support.failing import Failing
from tests.support.systems import open_counters

pytestmark = [
    pytest.mark.requirement("G8"),
    pytest.mark.usefixtures("failing_alarms"),
]

START = 1_700_000_000


async def test_g8_an_alarm_fires_at_its_time_once_and_not_before(
    data: Path, autojump_clock: MockClock
) -> None:
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.wake_me(START + 100)
        await trio.sleep(99)
        assert await counter.notes() == []
        await trio.sleep(2)
        assert await counter.notes() == [f"alarm {START + 100}"]
        assert await counter.see(Counter.get_alarm) is None
        await trio.sleep(1000)
        assert len(await counter.notes()) == 1


async def test_g8_an_alarm_in_the_past_fires_at_once(
    data: Path, autojump_clock: MockClock
) -> None:
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.wake_me(5)
        assert await eventually(counter.notes) == [f"alarm {START}"]


async def test_g8_the_later_of_two_settings_stands_and_none_clears(
    data: Path, autojump_clock: MockClock
) -> None:
    async with open_counters(data) as system:
        earlier, later, never = (system.get(Counter, key) for key in "abc")
        await earlier.wake_me(START + 500)
        await earlier.wake_me(START + 50)
        await later.wake_me(START + 50)
        await later.wake_me(START + 500)
        await never.wake_me(START + 50)
        await never.wake_me(None)
        await trio.sleep(60)
        assert await earlier.notes() == [f"alarm {START + 50}"]
        assert await later.notes() == []
        await trio.sleep(1000)
        assert await later.notes() == [f"alarm {START + 500}"]
        assert await never.notes() == []


async def test_g8_a_wake_up_among_several_never_puts_off_an_earlier_one(
    data: Path, autojump_clock: MockClock
) -> None:
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.wake_me_by(START + 500)
        await counter.wake_me_by(START + 50)
        await counter.wake_me_by(START + 100)
        await counter.wake_me_by(None)
        await trio.sleep(60)
        assert await counter.notes() == [f"alarm {START + 50}"]
        await trio.sleep(1000)
        assert len(await counter.notes()) == 1


async def test_g8_an_alarm_may_set_the_next_one(
    data: Path, autojump_clock: MockClock
) -> None:
    class Hourly(Counter, kind="hourly"):
        migrations = MIGRATIONS

        def on_alarm(self, *, now: int) -> None:
            super().on_alarm(now=now)
            self.set_alarm(now + 3600)

    async with open_counters(data, kinds=[Hourly]) as system:
        hourly = system.get(Hourly, "a")
        await hourly.wake_me(START + 3600)
        await trio.sleep(3 * 3600 + 10)
        hours = [f"alarm {START + 3600 * hour}" for hour in (1, 2, 3)]
        assert await hourly.notes() == hours


async def test_g8_alarms_survive_restarts_also_when_due_in_between(
    data: Path, autojump_clock: MockClock
) -> None:
    clock = TrioClock()
    async with open_counters(data, clock=clock) as system:
        await system.get(Counter, "a").wake_me(START + 100)
        await system.get(Counter, "b").wake_me(START + 1000)
    await trio.sleep(500)
    async with open_counters(data, clock=clock) as system:
        early, late = system.get(Counter, "a"), system.get(Counter, "b")
        await woken(system)
        assert await early.notes() == [f"alarm {START + 500}"]
        assert await late.notes() == []
        await trio.sleep(600)
        assert len(await late.notes()) == 1


async def test_g8_the_alarm_of_a_passivated_actor_fires(
    data: Path, autojump_clock: MockClock
) -> None:
    limits = RuntimeLimits(idle_seconds=10)
    async with open_counters(data, limits=limits) as system:
        counter = system.get(Counter, "a")
        await counter.wake_me(START + 500)
        await trio.sleep(100)
        assert system.activations == 0
        await trio.sleep(405)
        # It fired by itself: nobody asked for the actor.
        assert system.activations == 1
        (note,) = await counter.notes()
        assert START + 500 <= int(note.removeprefix("alarm ")) <= START + 505


async def test_g8_a_killed_process_leaves_its_alarms_to_the_next(
    data: Path, autojump_clock: MockClock, tmp_path: Path
) -> None:
    limits = RuntimeLimits(idle_seconds=10)
    clock = TrioClock()
    async with open_counters(data, limits=limits, clock=clock) as system:
        await system.get(Counter, "passivated").wake_me(START + 100)
        await trio.sleep(50)
        await system.get(Counter, "inmemory").wake_me(START + 100)
        copy_as_killed(data, tmp_path / "left")
    await trio.sleep(100)
    async with open_counters(tmp_path / "left", clock=clock) as system:
        await woken(system, 2)
        for key in ("passivated", "inmemory"):
            assert len(await system.get(Counter, key).notes()) == 1


async def test_g8_an_alarm_that_fails_is_tried_again_ever_less_often(
    data: Path, autojump_clock: MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_counters(data, kinds=[Failing]) as system:
        failing = system.get(Failing, "a")
        await failing.wake_me(START + 10)
        await trio.sleep(300)
        # The alarm stands, since each failed turn was rolled back.
        assert await failing.alarm() == START + 10
        pauses = [later - earlier for earlier, later in pairwise(Failing.attempts)]
        assert pauses[:5] == [2, 4, 8, 16, 32]
        assert set(pauses[5:]) == {60}
        Failing.fails = False
        await trio.sleep(61)
        assert await failing.alarm() is None
        attempts = len(Failing.attempts)
        await trio.sleep(300)
        assert len(Failing.attempts) == attempts
    assert "aort_secret" not in capsys.readouterr().out


async def test_g8_a_new_time_counts_though_an_attempt_fails_meanwhile(
    data: Path, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    disk = FaultyDisk()
    clock = TrioClock()
    async with open_counters(data, disk=disk, kinds=[Failing], clock=clock) as system:
        failing = system.get(Failing, "a")
        await failing.wake_me(START)
        # By now there is a minute between two attempts; the next is due after 302 s.
        await trio.sleep(295)
        attempts = len(Failing.attempts)
        disk.hold()
        # This turn's reply waits, and so does the next failed attempt's behind it.
        nursery.start_soon(failing.touch)
        await disk.holds()
        await trio.sleep(8)
        assert len(Failing.attempts) == attempts + 1
        new = clock.now() + 5
        nursery.start_soon(failing.wake_me, new)
        await trio.sleep(1)
        disk.let_go()
        await trio.sleep(5)
        assert Failing.attempts[-1] == new


async def test_g8_a_new_time_counts_though_an_attempt_succeeds_meanwhile(
    data: Path, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    disk = FaultyDisk()
    async with open_counters(data, disk=disk) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        disk.hold()
        nursery.start_soon(counter.wake_me, START)
        await disk.holds()
        await trio.sleep(1)
        nursery.start_soon(counter.wake_me, START + 10)
        await trio.sleep(1)
        disk.let_go()
        await trio.sleep(9)
        assert await counter.notes() == [f"alarm {START}", f"alarm {START + 10}"]
