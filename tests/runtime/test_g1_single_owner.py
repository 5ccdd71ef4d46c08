"""G1: at most one turn of an actor runs at any moment, over all tasks and processes."""

from pathlib import Path

import pytest
import trio

from tests.support.actor_process import bump
from tests.support.counter import Counter
from tests.support.processes import ActorProcess, actor_process
from tests.support.systems import open_counters

pytestmark = pytest.mark.requirement("G1")


async def test_g1_tasks_that_read_and_write_back_lose_no_increment(data: Path) -> None:
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(counter.do, bump)
        assert await counter.value() == 50


async def test_g1_no_view_runs_inside_a_turn(data: Path) -> None:
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        running: list[str] = []

        def turn(inside: Counter) -> None:
            assert not running
            running.append("turn")
            inside.db.execute("UPDATE number SET value = value + 1")
            running.remove("turn")

        def look(inside: Counter) -> None:
            assert not running

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(counter.do, turn)
                nursery.start_soon(counter.see, look)
        assert await counter.value() == 20


async def test_g1_processes_on_one_directory_lose_no_increment(data: Path) -> None:
    # They start at the same time on a directory that does not exist yet.
    async with (
        actor_process(data) as one,
        actor_process(data) as two,
        actor_process(data) as three,
    ):

        async def bump_often(process: ActorProcess) -> None:
            for _ in range(20):
                async with trio.open_nursery() as nursery:
                    for _ in range(5):
                        nursery.start_soon(process.ask, "bump", "a")

        async with trio.open_nursery() as nursery:
            for process in (one, two, three):
                nursery.start_soon(bump_often, process)
        for process in (one, two, three):
            assert await process.ask("value", "a") == 300


async def test_g1_a_view_sees_what_another_process_has_answered(data: Path) -> None:
    async with actor_process(data) as one, actor_process(data) as two:
        for number in range(1, 40):
            writer, reader = (one, two) if number % 2 else (two, one)
            assert await writer.ask("add", "a") == number
            assert await reader.ask("value", "a") == number
