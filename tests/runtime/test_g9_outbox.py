"""G9: messages are delivered at least once, run once, in order per pair of actors."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actor_oauth.runtime import (
    ActorUsageError,
    RuntimeLimits,
    TrioClock,
)
from actor_oauth.runtime.outbox import BATCH
from actor_oauth.runtime.turns import INBOX_KEPT_SECONDS
from tests.support.callers import Caller
from tests.support.clocks import StoppedClock
from tests.support.counter import Counter
from tests.support.disks import FaultyDisk, copy_as_killed
from tests.support.eventually import eventually
from tests.support.failing import Picky, send
from tests.support.files import find
from tests.support.systems import open_counters

pytestmark = pytest.mark.requirement("G9")

START = 1_700_000_000
FOREVER = RuntimeLimits(call_seconds=10**6)


@pytest.fixture(autouse=True)
def picky(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test begins with a receiver that refuses."""
    monkeypatch.setattr(Picky, "refuses", True)
    monkeypatch.setattr(Picky, "received", [])


async def test_g9_messages_arrive_once_and_in_order(data: Path) -> None:
    async with open_counters(data) as system:
        sender, receiver = system.get(Counter, "a"), system.get(Counter, "b")
        for text in ("one", "two", "three"):
            await sender.tell("b", text)
        await system.delivered(sender)
        assert await receiver.notes() == ["one", "two", "three"]
        await sender.tell("b", "four")
        await system.delivered(sender)
        assert await receiver.notes() == ["one", "two", "three", "four"]


async def test_g9_many_messages_to_many_actors_arrive_in_order_per_pair(
    data: Path,
) -> None:
    def tell(inside: Counter) -> None:
        for number in range(60):
            for key in ("x", "y", "z"):
                text = f"{inside.address.key} {number}"
                inside.send(Counter, key, Counter.note, text=text)

    async with open_counters(data) as system:
        senders = [system.get(Counter, key) for key in ("a", "b")]
        async with trio.open_nursery() as nursery:
            for sender in senders:
                nursery.start_soon(sender.do, tell)
        for sender in senders:
            await system.delivered(sender)
        for receiver in ("x", "y", "z"):
            notes = await system.get(Counter, receiver).notes()
            for key in ("a", "b"):
                texts = [note for note in notes if note.startswith(key)]
                assert texts == [f"{key} {number}" for number in range(60)]


async def test_g9_an_actor_may_send_to_itself(data: Path) -> None:
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.tell("a", "note to self")
        await system.delivered(counter)
        assert await counter.notes() == ["note to self"]


async def test_g9_a_message_that_creates_nothing_does_nothing_to_an_absent_actor(
    data: Path, autojump_clock: MockClock
) -> None:
    def tell(inside: Counter) -> None:
        inside.send(Counter, "nobody", Counter.nothing)
        inside.send(Counter, "b", Counter.note, text="after it")

    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.do(tell)
        await system.delivered(counter)
        assert await system.get(Counter, "b").notes() == ["after it"]
        assert not system._directory._engine.exists(
            system.get(Counter, "nobody").address
        )


@pytest.mark.parametrize("phase", ["before", "after"])
async def test_g9_a_crash_around_the_receivers_turn_delivers_once(
    data: Path, tmp_path: Path, phase: str, nursery: trio.Nursery
) -> None:
    disk = FaultyDisk()
    async with open_counters(data, disk=disk) as system:
        sender, receiver = system.get(Counter, "a"), system.get(Counter, "b")
        await receiver.add(1)
        await sender.add(1)
        if phase == "before":
            # The sender's turn is committed, and its messages wait for the disk.
            disk.hold()
            Caller(nursery, sender.tell("b", "news"))
            await disk.holds()
        else:
            # The receiver's turn is committed; the sender does not know yet.
            await sender.tell("b", "news")
            disk.hold()
            await disk.holds()
        await wait_all_tasks_blocked()
        copy_as_killed(data, tmp_path / "left")
        disk.let_go()
    async with open_counters(tmp_path / "left") as system:
        # It was the process that was killed, so what was committed is there.
        await system.delivered(system.get(Counter, "a"))
        assert await system.get(Counter, "b").notes() == ["news"]


async def test_g9_a_message_that_was_received_is_not_run_again(data: Path) -> None:
    async with open_counters(data) as system:
        await system.get(Counter, "a").tell("b", "first")
        await system.delivered(system.get(Counter, "a"))
    async with open_counters(data) as system:
        # The sender does not know that the message of this number has arrived.
        await system.get(Counter, "a").do(
            lambda inside: inside.db.execute(
                "INSERT INTO _outbox SELECT value, 'counter/b', 'note', ?"
                " FROM _runtime WHERE name = 'sent'",
                ('{"text":"again"}',),
            ).close()
        )
        await system.get(Counter, "a").tell("b", "second")
        await system.delivered(system.get(Counter, "a"))
        assert await system.get(Counter, "b").notes() == ["first", "second"]


async def test_g9_a_receiver_forgets_senders_that_have_long_been_silent(
    data: Path,
) -> None:
    def senders(inside: Counter) -> set[str]:
        rows: list[tuple[str]] = inside.db.execute(
            "SELECT source FROM _inbox"
        ).fetchall()
        return {source for (source,) in rows}

    async def send_all(keys: Sequence[str], at: int) -> None:
        async with open_counters(data, clock=StoppedClock(at)) as system:
            for key in keys:
                await system.get(Counter, key).tell("z", f"{key} at {at}")
                await system.delivered(system.get(Counter, key))

    names = [f"m{number:02}" for number in range(64)]
    await send_all(names, START)
    later = START + INBOX_KEPT_SECONDS - 10
    await send_all(names[:4], later)
    async with open_counters(data) as system:
        assert len(await system.get(Counter, "z").see(senders)) == len(names)
    # Each of them comes with a look at the sixteen next in the table.
    fresh = ["a", "m15a", "m31a", "m47a"]
    await send_all(fresh, later + 20)
    async with open_counters(data) as system:
        left = await system.get(Counter, "z").see(senders)
        assert left == {f"counter/{key}" for key in [*names[:4], *fresh]}


async def test_g9_a_sender_restored_from_an_older_copy_is_still_heard(
    data: Path, tmp_path: Path, autojump_clock: MockClock
) -> None:
    clock = TrioClock()
    async with open_counters(data, clock=clock) as system:
        await system.get(Counter, "a").add(1)
    path = find(data, "a.db")
    shutil.copy(path, tmp_path / "copy")
    async with open_counters(data, clock=clock) as system:
        for number in range(5):
            await system.get(Counter, "a").tell("b", f"before {number}")
        await system.delivered(system.get(Counter, "a"))
    shutil.copy(tmp_path / "copy", path)
    await trio.sleep(1)
    async with open_counters(data, clock=clock) as system:
        await system.get(Counter, "a").tell("b", "after")
        await system.delivered(system.get(Counter, "a"))
        assert (await system.get(Counter, "b").notes())[-1] == "after"


async def test_g9_a_receiver_that_fails_holds_up_nobody_else(
    data: Path, autojump_clock: MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_counters(data, kinds=[Counter, Picky]) as system:
        sender = system.get(Counter, "a")
        # More than a batch of them, before the first message to another.
        await sender.do(send(range(BATCH + 50)))
        await sender.tell("b", "first")
        assert await eventually(system.get(Counter, "b").notes) == ["first"]
        # And while the sender pauses.
        await trio.sleep(500)
        start = trio.current_time()
        await sender.tell("b", "second")

        async def both() -> bool:
            return await system.get(Counter, "b").notes() == ["first", "second"]

        await eventually(both)
        assert trio.current_time() - start < 1
        assert Picky.received == []
        Picky.refuses = False
        await trio.sleep(100)
        assert Picky.received == list(range(BATCH + 50))
    assert "aort_secret" not in capsys.readouterr().out


async def test_g9_messages_survive_a_restart_and_are_sent_without_being_asked_for(
    data: Path, autojump_clock: MockClock
) -> None:
    async with open_counters(data, kinds=[Counter, Picky]) as system:
        await system.get(Counter, "a").do(send(range(5)))
    assert Picky.received == []
    Picky.refuses = False
    async with open_counters(data, kinds=[Counter, Picky]):
        await trio.sleep(100)
        assert Picky.received == list(range(5))


async def test_g9_messages_of_a_passivated_sender_are_sent(
    data: Path, autojump_clock: MockClock
) -> None:
    limits = RuntimeLimits(idle_seconds=5)
    async with open_counters(data, kinds=[Counter, Picky], limits=limits) as system:
        await system.get(Counter, "a").do(send(range(5)))
        await trio.sleep(1000)
        Picky.refuses = False
        await trio.sleep(200)
        assert Picky.received == list(range(5))


async def test_g9_messages_that_another_process_left_are_sent(
    data: Path, autojump_clock: MockClock
) -> None:
    limits = RuntimeLimits(idle_seconds=10**6)
    kinds = [Counter, Picky]
    async with open_counters(data, kinds=kinds, limits=limits) as one:
        # This process has the sender in memory, and knows of no message.
        sender = one.get(Counter, "a")
        await sender.add(1)
        async with open_counters(data, kinds=kinds) as other:
            await other.get(Counter, "a").do(send(range(5)))
            await trio.sleep(0.1)
        assert Picky.received == []
        Picky.refuses = False
        await trio.sleep(200)
        assert Picky.received == list(range(5))


async def test_g9_two_processes_that_deliver_the_same_messages_deliver_them_once(
    data: Path, autojump_clock: MockClock
) -> None:
    kinds = [Counter, Picky]
    async with (
        open_counters(data, kinds=kinds) as one,
        open_counters(data, kinds=kinds) as other,
    ):
        await one.get(Counter, "a").do(send(range(20)))
        await other.get(Counter, "a").do(send(range(20, 40)))
        Picky.refuses = False
        async with trio.open_nursery() as nursery:
            for system in (one, other):
                nursery.start_soon(system.delivered, system.get(Counter, "a"))
        assert Picky.received == list(range(40))


async def test_g9_a_sender_whose_own_storage_fails_sends_later(
    data: Path, autojump_clock: MockClock
) -> None:
    disk = FaultyDisk()
    async with open_counters(data, disk=disk) as system:
        sender = system.get(Counter, "a")
        await system.get(Counter, "b").add(1)
        await sender.add(1)
        disk.failing = {"a.db-wal"}
        with pytest.raises(Exception, match="disk"):
            await sender.tell("b", "news")
        disk.failing.clear()
        # Whether it was committed nobody knows: here it was.
        await trio.sleep(100)
        assert await system.get(Counter, "b").notes() == ["news"]


async def test_g9_a_kind_that_is_not_served_holds_up_only_its_own_messages(
    data: Path, autojump_clock: MockClock
) -> None:
    async with open_counters(data) as system:
        sender = system.get(Counter, "a")
        await sender.do(send([1]))
        await sender.tell("b", "news")
        assert await eventually(system.get(Counter, "b").notes) == ["news"]
    Picky.refuses = False
    async with open_counters(data, kinds=[Counter, Picky]):
        await trio.sleep(100)
        assert Picky.received == [1]


async def test_g9_what_cannot_be_received_cannot_be_sent(data: Path) -> None:
    def positional(inside: Counter) -> None:
        inside.send(Counter, "b", Counter.note, "text")

    def too_long(inside: Counter) -> None:
        inside.send(Counter, "b", Counter.note, text="x" * (1 << 20))

    def to_a_view(inside: Counter) -> None:
        inside.send(Picky, "b", Picky.look)

    def of_another_class(inside: Counter) -> None:
        inside.send(Picky, "b", Counter.note, text="x")  # type: ignore[misc]  # the point

    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        for work in (positional, too_long, to_a_view, of_another_class):
            with pytest.raises(ActorUsageError):
                await counter.do(work)
        with pytest.raises(TypeError):
            await counter.do(
                lambda inside: inside.send(
                    Counter, "b", Counter.note, text=cast("str", object())
                )
            )
        with pytest.raises(ValueError, match="JSON"):
            await counter.do(
                lambda inside: inside.send(
                    Counter, "b", Counter.add, n=cast("int", float("nan"))
                )
            )
        with pytest.raises(ValueError, match="address"):
            await counter.do(
                lambda inside: inside.send(Counter, "B/../", Counter.add, n=1)
            )
        await system.delivered(counter)


async def test_g9_a_batch_is_bounded_in_bytes_too(data: Path) -> None:
    def tell(inside: Counter) -> None:
        for number in range(5):
            text = f"{number} {'x' * 700_000}"
            inside.send(Counter, "b", Counter.note, text=text)

    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.do(tell)
        await system.delivered(counter)
        notes = await system.get(Counter, "b").notes()
        assert [note[0] for note in notes] == ["0", "1", "2", "3", "4"]
