"""G6: turns are first in, first out, and a hot actor slows nobody more than its share."""

from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.support.callers import Caller
from tests.support.counter import Counter
from tests.support.systems import hold_elsewhere, open_counters

pytestmark = pytest.mark.requirement("G6")


async def test_g6_turns_of_an_actor_run_in_the_order_in_which_they_were_asked_for(
    data: Path, nursery: trio.Nursery
) -> None:
    async with open_counters(data) as one, open_counters(data) as other:
        counter = one.get(Counter, "a")
        let_go = await hold_elsewhere(counter, other)
        calls = []
        for number in range(20):
            calls.append(Caller(nursery, counter.note(str(number))))
            await wait_all_tasks_blocked()
        let_go()
        for call in calls:
            await call.answer()
        assert await counter.notes() == [str(number) for number in range(20)]


async def test_g6_a_single_turn_waits_for_few_turns_of_a_hot_actor(
    data: Path, nursery: trio.Nursery
) -> None:
    order: list[str] = []

    async with open_counters(data) as system:
        hot, cold = system.get(Counter, "hot"), system.get(Counter, "cold")
        for counter in (hot, cold):
            await counter.add(1)
        calls: list[Caller[None]] = []

        def first(_: Counter) -> None:
            # While 200 turns are queued, one comes in for another actor.
            order.append("hot")
            if len(order) == 3:
                assert len(mailbox) > 150
                calls.append(Caller(nursery, cold.do(lambda _: order.append("cold"))))

        activation = system._directory.find(hot.address)
        assert activation is not None
        mailbox = activation.mailbox
        hots = [Caller(nursery, hot.do(first)) for _ in range(200)]
        for call in [*hots, *calls]:
            await call.answer()
    assert len(order) == 201
    # Three before it was asked for; its caller's task has to get its turn, too.
    assert order.index("cold") <= 3 + 3


async def test_g6_every_actor_with_work_gets_a_turn_in_every_round(
    data: Path, nursery: trio.Nursery
) -> None:
    order: list[str] = []
    keys = [f"n{number}" for number in range(5)]
    async with open_counters(data) as system:
        calls = []
        for key in keys:
            await system.get(Counter, key).add(1)
        for key in keys:
            counter = system.get(Counter, key)
            for _ in range(10):
                work = counter.do(lambda inside: order.append(inside.address.key))
                calls.append(Caller(nursery, work))
        for call in calls:
            await call.answer()
    # The tasks start in any order, so that the first rounds may lack an actor.
    for start in range(45):
        window = order[start : start + 15]
        assert max(window.count(key) for key in keys) <= 15 // len(keys) + 3


async def test_g6_other_tasks_run_while_many_turns_are_queued(
    data: Path, nursery: trio.Nursery
) -> None:
    ticks = 0

    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        calls = [Caller(nursery, counter.do(Counter.number)) for _ in range(200)]
        while not all(call.answered for call in calls):
            await trio.lowlevel.checkpoint()
            ticks += 1
    assert ticks > 50
