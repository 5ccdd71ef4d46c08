"""The mailbox: a place that becomes free belongs to the first in line."""

from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actor_oauth.runtime.actor import Operation
from actor_oauth.runtime.call import Call
from actor_oauth.runtime.mailbox import Mailbox
from tests.support.callers import Caller
from tests.support.counter import Counter
from tests.support.systems import open_counters

pytestmark = pytest.mark.requirement("G5", "G6")


def a_call(name: str) -> Call:
    """A call of nothing."""
    return Call(Operation(name, lambda _: None))


async def full_mailbox() -> Mailbox:
    """A mailbox with one place, which is taken."""
    mailbox = Mailbox(1)
    assert await mailbox.reserve()
    mailbox.put(a_call("first"))
    return mailbox


async def test_a_place_that_becomes_free_is_not_given_to_a_newcomer(
    nursery: trio.Nursery,
) -> None:
    mailbox = await full_mailbox()
    in_line = Caller(nursery, mailbox.reserve())
    await wait_all_tasks_blocked()
    assert mailbox.take().operation.name == "first"
    mailbox.taken()
    # The place is promised, though whoever it is promised to has not run yet.
    newcomer = Caller(nursery, mailbox.reserve())
    assert await in_line.answer()
    await wait_all_tasks_blocked()
    assert not newcomer.answered
    assert mailbox
    mailbox.put(a_call("second"))
    mailbox.take()
    mailbox.taken()
    assert await newcomer.answer()


async def test_with_nobody_in_line_a_place_is_just_free() -> None:
    mailbox = await full_mailbox()
    mailbox.take()
    mailbox.taken()
    assert not mailbox
    assert await mailbox.reserve()


async def test_a_call_that_is_put_back_is_the_next_again() -> None:
    mailbox = await full_mailbox()
    call = mailbox.take()
    mailbox.put_back(call)
    assert len(mailbox) == 1
    assert mailbox.take() is call


async def test_closing_sends_everybody_away_and_gives_back_the_calls(
    nursery: trio.Nursery,
) -> None:
    mailbox = await full_mailbox()
    in_line = [Caller(nursery, mailbox.reserve()) for _ in range(3)]
    await wait_all_tasks_blocked()
    assert [call.operation.name for call in mailbox.close()] == ["first"]
    assert [await call.answer() for call in in_line] == [False] * 3
    assert not await mailbox.reserve()
    assert len(mailbox) == 0


async def test_an_actor_with_a_promised_place_is_not_closed_as_idle(data: Path) -> None:
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        activation = system._directory.find(counter.address)
        assert activation is not None
        before = activation.idle
        assert activation.mailbox.reserve_nowait()
        assert (before, activation.idle) == (True, False)
        system._dispatcher.post(activation, a_call("late"))


async def test_a_mailbox_with_nothing_in_it_is_false_and_a_closed_one_takes_nothing() -> (
    None
):
    mailbox = Mailbox(1)
    assert not mailbox

    mailbox.close()

    assert not await mailbox.reserve()
