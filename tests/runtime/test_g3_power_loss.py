"""G3, seen from what is left after a crash: whatever was answered is there.

Three ways to lose the process: the power fails (only what was synced is left, see
`PowerLossDisk`), the process is killed (the kernel keeps what was written), and
`kill -9` of a real process under load.
"""

import itertools
from pathlib import Path

import pytest
import trio

from tests.support.callers import Caller
from tests.support.counter import Counter
from tests.support.disks import FaultyDisk, PowerLossDisk, copy_as_killed
from tests.support.eventually import eventually
from tests.support.lines import Json
from tests.support.processes import actor_process
from tests.support.systems import open_counters

pytestmark = pytest.mark.requirement("G3")

KEYS = [f"n{number}" for number in range(4)]


async def values_in(data: Path) -> dict[str, int]:
    """What the counters in a data directory say."""
    async with open_counters(data) as system:
        return {key: await system.get(Counter, key).value() for key in KEYS}


async def test_g3_whatever_was_answered_survives_a_power_failure(
    data: Path, tmp_path: Path
) -> None:
    disk = PowerLossDisk(data)
    answered = dict.fromkeys(KEYS, 0)
    begun = dict.fromkeys(KEYS, 0)
    left: list[tuple[Path, dict[str, int], dict[str, int]]] = []
    numbers = itertools.count()

    async def count(key: str, counter: Counter) -> None:
        for _ in range(5):
            begun[key] += 1
            answered[key] = await counter.add(1)
            # The power fails right after this reply.
            path = tmp_path / f"left{next(numbers)}"
            disk.leave(path)
            left.append((path, dict(answered), dict(begun)))

    async with (
        open_counters(data, disk=disk) as system,
        trio.open_nursery() as nursery,
    ):
        for key in KEYS:
            nursery.start_soon(count, key, system.get(Counter, key))
    for path, at_least, at_most in left:
        values = await values_in(path)
        for key in KEYS:
            assert at_least[key] <= values[key] <= at_most[key]


async def test_g3_a_view_tells_only_what_survives_a_power_failure(
    data: Path, tmp_path: Path
) -> None:
    disk = PowerLossDisk(data)
    async with open_counters(data, disk=disk) as system:
        counter = system.get(Counter, KEYS[0])
        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(counter.add, 1)
                seen = await counter.value()
                path = tmp_path / f"left{number}"
                disk.leave(path)
                assert (await values_in(path))[KEYS[0]] >= seen


async def test_g3_the_alarm_and_messages_of_an_answered_turn_survive_a_power_failure(
    data: Path, tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    def wake_and_tell(inside: Counter) -> None:
        inside.set_alarm(0)
        inside.send(Counter, KEYS[1], Counter.note, text="told")

    disk = PowerLossDisk(data)
    async with open_counters(data, disk=disk) as system:
        await system.get(Counter, KEYS[0]).do(wake_and_tell)
        disk.leave(tmp_path / "left")
    async with open_counters(tmp_path / "left") as system:
        # Nobody touches the sender: the journal names it.
        receiver = system.get(Counter, KEYS[1])
        assert await eventually(receiver.notes) == ["told"]
        sender = system.get(Counter, KEYS[0])
        assert len(await sender.notes()) == 1


async def test_g3_a_turn_that_is_not_durable_is_all_there_or_not_at_all(
    data: Path, tmp_path: Path, nursery: trio.Nursery
) -> None:
    def both(inside: Counter) -> None:
        inside.db.execute("UPDATE number SET value = value + 1")
        inside.db.execute("INSERT INTO notes (text) VALUES ('counted')")

    disk = FaultyDisk()
    async with open_counters(data, disk=disk) as system:
        counter = system.get(Counter, KEYS[0])
        await counter.add(1)
        inside: list[Path] = []

        def look(counter: Counter) -> None:
            both(counter)
            inside.append(tmp_path / "inside")
            copy_as_killed(data, inside[0])

        disk.hold()
        Caller(nursery, counter.do(look))
        await disk.holds()
        copy_as_killed(data, tmp_path / "committed")
        disk.let_go()
    for path, number in ((inside[0], 1), (tmp_path / "committed", 2)):
        async with open_counters(path) as system:
            counter = system.get(Counter, KEYS[0])
            assert await counter.value() == number
            assert len(await counter.notes()) == number - 1


async def test_g3_kill_9_under_load_loses_nothing_that_was_answered(data: Path) -> None:
    told = dict.fromkeys(KEYS, 0)

    def remember(said: list[Json]) -> None:
        for value in said:
            number = value["value"]
            assert isinstance(number, int)
            told[str(value["key"])] = max(told[str(value["key"])], number)

    for kills in range(1, 4):
        async with actor_process(data) as process:
            for key in KEYS:
                assert await process.number("value", key) >= told[key]
                await process.tell("hammer", key)
            while len(process.told) < 60 * kills:
                await process.hear()
            process.kill()
        remember(process.told)
    values = await values_in(data)
    for key in KEYS:
        assert told[key] > 0
        # At most the one turn that was under way was not told.
        assert told[key] <= values[key] <= told[key] + 3
