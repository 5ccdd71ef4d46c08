"""G11: a turn is synchronous code. It cannot await, and ends when it returns."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from actor_oauth.runtime import ActorUsageError, Address, turn, view
from tests.support.counter import MIGRATIONS, Counter
from tests.support.systems import open_counters

pytestmark = pytest.mark.requirement("G11")


def test_g11_a_turn_or_view_that_could_await_is_refused_where_it_is_written() -> None:
    async def waits(self: Counter) -> None:
        pass

    async def yields_and_waits(self: Counter) -> AsyncIterator[int]:
        yield 1

    def yields(self: Counter) -> Iterator[int]:
        yield 1

    for body in (waits, yields_and_waits, yields):
        for decorate in (turn, view, turn(creates=True)):
            with pytest.raises(ActorUsageError, match="plain function"):
                decorate(body)


async def test_g11_what_would_run_or_read_on_after_the_turn_cannot_be_given(
    data: Path,
) -> None:
    async def waits() -> None:
        pass

    async def yields_and_waits() -> AsyncIterator[int]:
        yield 1

    async with open_counters(data) as system:
        for counter in (system.get(Counter, "a"), system.get(Counter, "absent")):
            if counter.address.key == "a":
                await counter.add(1)
            for call in (counter.do_if_there, counter.see):
                works: list[Callable[[Counter], object]] = [
                    lambda _: waits(),
                    lambda _: yields_and_waits(),
                    lambda _: (number for number in range(3)),
                    lambda inside: inside.db.execute("SELECT * FROM number"),
                ]
                for work in works:
                    with pytest.raises(ActorUsageError, match="returns"):
                        await call(work)
        assert await system.get(Counter, "a").add(1) == 2


async def test_g11_a_turn_cannot_call_a_turn_or_view(data: Path) -> None:
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        for work in (lambda inside: inside.add(1), lambda inside: inside.value()):
            for call in (counter.do, counter.see):
                with pytest.raises(ActorUsageError, match="from inside one"):
                    await call(work)


async def test_g11_a_turn_can_call_plain_methods(data: Path) -> None:
    async with open_counters(data) as system:
        assert await system.get(Counter, "a").do(lambda inside: inside.number()) == 0


async def test_g11_outside_of_a_turn_nothing_of_its_inside_works(data: Path) -> None:
    kept: list[Counter] = []

    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.do(kept.append)
        await counter.see(kept.append)
        await system.get(Counter, "absent").see(kept.append)
        for outside in (counter, *kept):
            works: list[Callable[[Counter], object]] = [
                lambda actor: actor.db,
                lambda actor: actor.get_alarm(),
                lambda actor: actor.set_alarm(1),
                lambda actor: actor.send(Counter, "b", Counter.add, n=1),
                lambda actor: actor.number(),
            ]
            for work in works:
                with pytest.raises(ActorUsageError):
                    work(outside)
        assert await counter.add(1) == 1


async def test_g11_only_the_systems_kinds_can_be_had(data: Path) -> None:
    class Other(Counter, kind="other"):
        migrations = MIGRATIONS

    async with open_counters(data) as system:
        with pytest.raises(ActorUsageError, match="kinds"):
            system.get(Other, "a")
        with pytest.raises(ValueError, match="address"):
            system.get(Counter, "../a")


def test_g11_a_reference_that_no_system_gave_cannot_be_called() -> None:
    counter = Counter(Address("counter", "a"))
    with pytest.raises(ActorUsageError):
        _ = counter.add(1)
    assert repr(counter) == "<Counter counter/a>"
