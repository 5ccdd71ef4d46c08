"""G8: alarms survive restarts and fire at least once, at or after their time."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import pytest
import trio
from sqlite_utils.migrations import Migrations
from trio.testing import MockClock, wait_all_tasks_blocked

from actor_oauth.runtime import (
    Actor,
    ActorSystem,
    Address,
    LocalEngine,
    RuntimeLimits,
    Store,
    TrioClock,
    open_system,
    turn,
    view,
)
from tests.support.counter import MIGRATIONS, Counter
from tests.support.disks import FaultyDisk, InlineDisk, copy_as_killed
from tests.support.eventually import eventually
from tests.support.files import find, no_index, write
from tests.support.systems import open_counters

pytestmark = pytest.mark.requirement("G8")

START = 1_700_000_000


class Failing(Actor, kind="failing"):
    """Fails to fire its alarm until told otherwise."""

    migrations = Migrations("tests.failing")
    fails = True
    attempts: ClassVar[list[int]] = []

    @turn(creates=True)
    def wake_me(self, at: int) -> None:
        """Set the alarm."""
        self.set_alarm(at)

    @turn
    def touch(self) -> None:
        """Write, and leave the alarm alone."""
        self.db.execute("INSERT OR REPLACE INTO _runtime VALUES ('touched', 1)")

    @view
    def alarm(self) -> int | None:
        """When it is due."""
        return self.get_alarm()

    def on_alarm(self, *, now: int) -> None:
        """Fire, or fail."""
        Failing.attempts.append(now)
        if Failing.fails:
            raise ValueError("aort_secret")


@Failing.migrations()
def m0001_nothing(db: object) -> None:
    """Nothing."""


@pytest.fixture(autouse=True)
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test begins with alarms that fail."""
    monkeypatch.setattr(Failing, "fails", True)
    monkeypatch.setattr(Failing, "attempts", [])


async def woken(system: ActorSystem, count: int = 1) -> None:
    """Wait until so many actors are in memory, which nobody has asked for."""

    async def are_awake() -> bool:
        return system.activations >= count

    await eventually(are_awake)
    await wait_all_tasks_blocked()


@pytest.fixture
def few_wakes_at_once(monkeypatch: pytest.MonkeyPatch) -> int:
    """The engine gives only so many wake-ups at a time."""
    for module in ("waker", "local.wakes"):
        monkeypatch.setattr(f"actor_oauth.runtime.{module}.WAKES_AT_ONCE", 10)
    return 10


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
    closing = trio.Event()
    close = trio.Event()

    class SlowToClose(LocalEngine):
        async def close(
            self, stores: Sequence[tuple[Store, int | None]]
        ) -> Mapping[Address, Exception]:
            closing.set()
            await close.wait()
            return await super().close(stores)

    engine = SlowToClose(data, disk=InlineDisk())
    limits = RuntimeLimits(idle_seconds=1)
    async with open_system(
        engine, [Counter], limits=limits, clock=TrioClock()
    ) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        await closing.wait()
        nursery.start_soon(counter.wake_me, START + 20)
        await trio.sleep(5)
        close.set()
        await trio.sleep(30)
        assert len(await counter.notes()) == 1
