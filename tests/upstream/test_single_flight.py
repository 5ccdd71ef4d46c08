"""One piece of work for all who want it."""

import pytest
import trio
import trio.testing

from actor_oauth.runtime import StoppedError
from actor_oauth.upstream.single_flight import SingleFlight


class Work:
    def __init__(self) -> None:
        self.runs = 0
        self.go_on = trio.Event()

    async def __call__(self) -> int:
        self.runs += 1
        await self.go_on.wait()
        return self.runs

    async def fail(self) -> int:
        self.runs += 1
        await self.go_on.wait()
        raise RuntimeError("no luck")


@pytest.mark.requirement("B-18", "M-15")
async def test_all_who_wait_share_one_run_and_nothing_is_remembered() -> None:
    work, answers = Work(), list[int]()
    async with trio.open_nursery() as nursery:
        flights = SingleFlight[str, int](nursery)

        async def ask() -> None:
            answers.append(await flights.run("k", work))

        async with trio.open_nursery() as callers:
            for _ in range(32):
                callers.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked()
            assert len(flights) == 1
            work.go_on.set()
        assert answers == [1] * 32
        assert len(flights) == 0
        assert await flights.run("k", work) == 2


@pytest.mark.requirement("B-18")
async def test_who_stops_waiting_does_not_stop_the_work() -> None:
    work, answers = Work(), list[int]()
    async with trio.open_nursery() as nursery:
        flights = SingleFlight[str, int](nursery)

        async def ask(scope: trio.CancelScope) -> None:
            with scope:
                answers.append(await flights.run("k", work))

        first, second = trio.CancelScope(), trio.CancelScope()
        async with trio.open_nursery() as callers:
            callers.start_soon(ask, first)
            await trio.testing.wait_all_tasks_blocked()
            callers.start_soon(ask, second)
            await trio.testing.wait_all_tasks_blocked()
            first.cancel()
            await trio.testing.wait_all_tasks_blocked()
            work.go_on.set()
    assert answers == [1]


@pytest.mark.requirement("M-15")
async def test_a_fault_reaches_all_who_wait_and_the_next_tries_again() -> None:
    work, faults = Work(), list[str]()
    async with trio.open_nursery() as nursery:
        flights = SingleFlight[str, int](nursery)

        async def ask() -> None:
            with pytest.raises(RuntimeError) as caught:
                await flights.run("k", work.fail)
            faults.append(str(caught.value))

        async with trio.open_nursery() as callers:
            for _ in range(3):
                callers.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked()
            work.go_on.set()
        assert faults == ["no luck"] * 3
        assert await flights.run("k", work) == 2


async def test_when_the_owner_stops_those_who_wait_are_told() -> None:
    async with trio.open_nursery() as outer:
        told = trio.Event()
        nursery: trio.Nursery = await outer.start(_hold)
        flights = SingleFlight[str, int](nursery)

        async def ask() -> None:
            with pytest.raises(StoppedError):
                await flights.run("k", Work())
            told.set()

        outer.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        await told.wait()


async def _hold(task_status: trio.TaskStatus[trio.Nursery]) -> None:
    async with trio.open_nursery() as nursery:
        task_status.started(nursery)
        await trio.sleep_forever()
