"""G9: `delivered` waits until what was sent has arrived, durably, or says why not."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actor_oauth.runtime import (
    OverloadedError,
    RuntimeLimits,
    StoppedError,
)
from tests.support.callers import Caller
from tests.support.counter import Counter
from tests.support.disks import FaultyDisk
from tests.support.failing import Picky, send
from tests.support.systems import open_counters

pytestmark = pytest.mark.requirement("G9")

FOREVER = RuntimeLimits(call_seconds=10**6)


@pytest.fixture(autouse=True)
def picky(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test begins with a receiver that refuses."""
    monkeypatch.setattr(Picky, "refuses", True)
    monkeypatch.setattr(Picky, "received", [])


async def test_g9_delivered_waits_for_what_was_sent_before_and_not_after(
    data: Path, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async with open_counters(data, kinds=[Counter, Picky], limits=FOREVER) as system:
        sender = system.get(Counter, "a")
        await sender.tell("b", "first")
        await system.delivered(sender)
        await sender.do(send([1]))
        waiting = Caller(nursery, system.delivered(sender))
        await trio.sleep(100)
        assert not waiting.answered
        # To another receiver, which refuses for ever; only the first is waited for.
        Picky.refuses = False
        await waiting.answer()
        assert Picky.received == [1]
        await system.delivered(system.get(Counter, "nobody"))


async def test_g9_delivered_is_durable_at_the_receiver(
    data: Path, nursery: trio.Nursery
) -> None:
    disk = FaultyDisk()
    async with open_counters(data, disk=disk) as system:
        sender = system.get(Counter, "a")
        await system.get(Counter, "b").add(1)
        await sender.tell("b", "news")
        disk.hold()
        waiting = Caller(nursery, system.delivered(sender))
        await disk.holds()
        await wait_all_tasks_blocked()
        assert not waiting.answered
        disk.let_go()
        await waiting.answer()


async def test_g9_delivered_has_a_deadline(
    data: Path, autojump_clock: MockClock
) -> None:
    limits = RuntimeLimits(call_seconds=5)
    kinds = [Counter, Picky]
    async with open_counters(data, kinds=kinds, limits=limits) as system:
        sender = system.get(Counter, "a")
        await sender.do(send([1]))
        start = trio.current_time()
        with pytest.raises(OverloadedError, match="delivery"):
            await system.delivered(sender)
        assert trio.current_time() - start == pytest.approx(5)
        Picky.refuses = False
        # It does not wait for the end of the pause.
        await system.delivered(sender)
        assert Picky.received == [1]


async def test_g9_delivered_gives_up_when_the_system_stops(
    data: Path, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    async with open_counters(data, kinds=[Counter, Picky], limits=FOREVER) as system:
        sender = system.get(Counter, "a")
        await sender.do(send([1]))
        waiting = Caller(nursery, system.delivered(sender))
        await trio.sleep(1)
    with pytest.raises(StoppedError):
        await waiting.answer()
