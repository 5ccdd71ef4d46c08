"""G10: an orderly shutdown finishes what is in flight and closes every database."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actor_oauth.runtime import (
    ActorSystem,
    ActorUsageError,
    Address,
    LocalEngine,
    RuntimeLimits,
    StoppedError,
    Store,
    TrioClock,
    open_system,
)
from tests.support.callers import Caller
from tests.support.counter import MIGRATIONS, Counter
from tests.support.disks import FaultyDisk, InlineDisk
from tests.support.files import names, open_files
from tests.support.processes import actor_process
from tests.support.systems import SlowToClose, hold_elsewhere, open_counters

pytestmark = pytest.mark.requirement("G10")


async def test_g10_a_shutdown_leaves_databases_without_logs_and_no_journal(
    data: Path,
) -> None:
    async with open_counters(data) as system:
        for key in ("a", "b"):
            await system.get(Counter, key).add(1)
            await system.get(Counter, key).wake_me(10**10)
        assert len(names(data / "live")) == 1
    assert names(data) == ["a.db", "b.db", "wakes.db"]
    assert open_files(data) == []


async def test_g10_what_is_in_flight_is_finished_and_answered(
    data: Path, nursery: trio.Nursery
) -> None:
    disk = FaultyDisk()
    calls = []
    async with open_counters(data, disk=disk) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        disk.hold()
        calls.append(Caller(nursery, counter.add(1)))
        await disk.holds()
        # In the gate, in the mailbox, and being loaded.
        calls += [Caller(nursery, counter.add(1)), Caller(nursery, counter.value())]
        calls.append(Caller(nursery, system.get(Counter, "b").add(1)))
        await wait_all_tasks_blocked()

        async def let_go_later() -> None:
            await wait_all_tasks_blocked()
            disk.let_go()

        nursery.start_soon(let_go_later)
    assert [await call.answer() for call in calls[:2]] == [2, 3]
    assert await calls[2].answer() in {2, 3}
    assert await calls[3].answer() == 1
    assert names(data) == ["a.db", "b.db", "wakes.db"]


async def test_g10_calls_after_the_shutdown_has_begun_are_refused(
    data: Path, nursery: trio.Nursery
) -> None:
    disk = FaultyDisk()
    async with open_counters(data, disk=disk) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        disk.hold()
        Caller(nursery, counter.add(1))
        await disk.holds()
        late = []

        async def call_late() -> None:
            await wait_all_tasks_blocked()
            for call in (counter.add, counter.value):
                with pytest.raises(StoppedError):
                    await call()
                late.append(call)
            disk.let_go()

        nursery.start_soon(call_late)
    assert len(late) == 2
    for call in (counter.add, counter.value):
        with pytest.raises(StoppedError):
            await call()


async def test_g10_a_call_that_waits_for_an_actor_to_be_closed_is_finished_too(
    data: Path, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    engine = SlowToClose(data)
    limits = RuntimeLimits(idle_seconds=1)
    async with open_system(engine, [Counter], limits=limits) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        await engine.closing.wait()
        waiting = Caller(nursery, counter.add(1))
        await wait_all_tasks_blocked()

        async def close_later() -> None:
            await trio.sleep(1)
            engine.close_now.set()

        nursery.start_soon(close_later)
    assert await waiting.answer() == 2


async def test_g10_when_the_time_is_up_those_who_wait_are_told_and_nothing_is_lost(
    data: Path, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    disk = FaultyDisk()
    limits = RuntimeLimits(drain_seconds=3, max_activations=2, mailbox_size=1)
    calls: list[Caller[object]] = []
    async with (
        open_counters(data) as other,
        open_counters(data, disk=disk, limits=limits) as system,
    ):
        counter, blocked = system.get(Counter, "a"), system.get(Counter, "b")
        for each in (counter, blocked):
            await each.add(1)
        let_go_of_it = await hold_elsewhere(blocked, other)
        disk.hold()
        # One in each place: the gate's two batches, the mailbox, its line, the line
        # for an activation.
        calls.append(Caller(nursery, counter.add(1)))
        await disk.holds()
        calls.append(Caller(nursery, counter.add(1)))
        calls.append(Caller(nursery, counter.value()))
        for _ in range(3):
            calls.append(Caller(nursery, blocked.add(1)))
            await wait_all_tasks_blocked()
        calls.append(Caller(nursery, system.get(Counter, "c").add(1)))
        calls.append(Caller(nursery, system.get(Counter, "c").value()))
        await wait_all_tasks_blocked()
        start = trio.current_time()

        async def let_go_at_last() -> None:
            await trio.sleep(5)
            let_go_of_it()
            disk.let_go()

        nursery.start_soon(let_go_at_last)
        await _leave(system)
        assert trio.current_time() - start == pytest.approx(3, abs=0.1)
        for call in calls[:-1]:
            with pytest.raises(StoppedError):
                await call.answer()
        # An actor that does not exist has no need to be in memory.
        assert await calls[-1].answer() == 0
    async with open_counters(data) as system:
        assert await system.get(Counter, "a").value() == 3
        assert await system.get(Counter, "b").value() == 2


async def _leave(system: ActorSystem) -> None:
    """Shut a system down, as the end of its block does."""
    await system.stop()
    system.close()


async def test_g10_after_a_drain_without_end_the_next_process_takes_over(
    data: Path, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    disk = FaultyDisk()
    limits = RuntimeLimits(drain_seconds=3)
    async with open_counters(data, disk=disk, limits=limits) as system:
        counter = system.get(Counter, "a")
        await counter.wake_me(10**10)
        disk.hold()
        busy = Caller(nursery, counter.wake_me(0))
        await disk.holds()

        async def let_go_at_last() -> None:
            await trio.sleep(5)
            disk.let_go()

        nursery.start_soon(let_go_at_last)
    with pytest.raises(StoppedError):
        await busy.answer()
    assert len(names(data / "live")) == 1
    assert open_files(data) == []
    async with open_counters(data) as system:
        await trio.sleep(10)
        assert len(await system.get(Counter, "a").notes()) == 1
    assert names(data / "live") == []


async def test_g10_a_cancelled_server_shuts_down_in_an_orderly_way_too(
    data: Path, nursery: trio.Nursery
) -> None:
    disk = FaultyDisk()
    with trio.CancelScope() as scope:
        async with open_counters(data, disk=disk) as system:
            counter = system.get(Counter, "a")
            await counter.add(1)
            disk.hold()
            call = Caller(nursery, counter.add(1))
            await disk.holds()

            async def let_go_later() -> None:
                await wait_all_tasks_blocked()
                disk.let_go()

            nursery.start_soon(let_go_later)
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert await call.answer() == 2
    assert names(data) == ["a.db", "wakes.db"]


async def test_g10_a_body_that_fails_shuts_down_in_an_orderly_way_too(
    data: Path,
) -> None:
    async def fail() -> None:
        async with open_counters(data) as system:
            await system.get(Counter, "a").add(1)
            raise LookupError

    with pytest.raises(ExceptionGroup) as caught:
        await fail()
    assert caught.value.split(LookupError)[1] is None
    assert names(data) == ["a.db", "wakes.db"]


async def test_g10_a_shutdown_wakes_nobody(
    data: Path, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    disk = FaultyDisk()
    limits = RuntimeLimits(poll_seconds=0.01, drain_seconds=10)
    async with open_counters(data, disk=disk, limits=limits) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        disk.hold()
        busy = Caller(nursery, counter.add(1))
        await disk.holds()

        async def another_leaves_an_alarm() -> None:
            await trio.sleep(1)
            # For that process, whose clock is behind, it is not due yet.
            async with open_counters(data, clock=TrioClock(start=0)) as other:
                await other.get(Counter, "b").wake_me(10**9)
            await trio.sleep(1)
            assert system.activations == 1
            disk.let_go()

        nursery.start_soon(another_leaves_an_alarm)
    assert await busy.answer() == 2
    assert names(data / "live") == []


async def test_g10_a_system_that_cannot_be_built_does_not_hang(data: Path) -> None:
    class Twin(Counter, kind="counter"):
        migrations = MIGRATIONS

    engine = LocalEngine(data, disk=InlineDisk())
    with pytest.raises(ExceptionGroup) as caught:
        async with open_system(engine, [Counter, Twin]):
            raise AssertionError
    assert caught.value.split(ActorUsageError)[1] is None
    assert open_files(data) == []


async def test_g10_if_the_runtime_itself_crashes_nobody_waits_for_it(
    data: Path, nursery: trio.Nursery
) -> None:
    class FalseEngine(LocalEngine):
        async def make_durable(
            self, stores: Sequence[Store]
        ) -> Mapping[Address, OSError]:
            raise LookupError("a bug")

    calls = []

    async def crash() -> None:
        engine = FalseEngine(data, disk=InlineDisk())
        async with open_system(engine, [Counter]) as system:
            calls.append(Caller(nursery, system.get(Counter, "a").add(1)))
            await trio.sleep_forever()

    with pytest.raises(ExceptionGroup) as caught:
        await crash()
    assert caught.value.split(LookupError)[1] is None
    with pytest.raises(StoppedError):
        await calls[0].answer()
    assert open_files(data) == []


async def test_g10_a_real_process_leaves_its_directory_clean(data: Path) -> None:
    async with actor_process(data) as process:
        for key in ("a", "b", "c"):
            await process.ask("add", key)
            await process.ask("tell", key, to="d", text=key)
        assert await process.stop() == 0
    assert names(data) == ["a.db", "b.db", "c.db", "d.db", "wakes.db"]
