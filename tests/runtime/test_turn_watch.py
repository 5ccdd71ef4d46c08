"""Turns that take long, or do not end, are told of: nobody can stop them."""

import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from actor_oauth.runtime import Address
from actor_oauth.runtime.actor import Operation
from actor_oauth.runtime.turn_watch import LONG_SECONDS, STUCK_SECONDS, TurnWatch
from tests.support.counter import Counter
from tests.support.systems import open_counters

pytestmark = pytest.mark.requirement("G6")

ADDRESS = Address("counter", "a")
OPERATION = Operation("add", lambda actor: None)


class Timer:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = threading.Event()

    def __call__(self) -> float:
        self.asked.set()
        return self.now


@pytest.fixture
def timer() -> Timer:
    return Timer()


def test_a_turn_that_took_long_is_told_of_and_counted(timer: Timer) -> None:
    watch = TurnWatch(timer)
    with capture_logs() as logs:
        for seconds in (LONG_SECONDS / 2, LONG_SECONDS, LONG_SECONDS * 2):
            watch.begin(ADDRESS, OPERATION)
            timer.now += seconds
            watch.end()
    assert watch.long_turns == 2
    assert [(line["count"], line["seconds"]) for line in logs] == [
        (1, LONG_SECONDS),
        (2, LONG_SECONDS * 2),
    ]
    assert (logs[0]["actor"], logs[0]["turn"]) == ("counter/a", "add")


def test_a_turn_that_does_not_end_is_told_of_once_with_its_place(timer: Timer) -> None:
    watch = TurnWatch(timer)
    with capture_logs() as logs:
        watch.look()
        watch.begin(ADDRESS, OPERATION)
        watch.look()
        assert logs == []
        timer.now += STUCK_SECONDS
        watch.look()
        watch.look()
        assert len(logs) == 1
        watch.end()
        watch.begin(ADDRESS, OPERATION)
        timer.now += STUCK_SECONDS
        watch.look()
    stuck = [line for line in logs if line["log_level"] == "error"]
    assert len(stuck) == 2


def test_a_thread_looks_while_the_event_loop_stands_still(timer: Timer) -> None:
    watch = TurnWatch(timer)
    with capture_logs() as logs, watch.looking(every=0.001):
        watch.begin(ADDRESS, OPERATION)
        timer.now += STUCK_SECONDS
        timer.asked.clear()
        # This is where the turn hangs.
        assert timer.asked.wait(60)
    (line,) = logs
    assert line["event"] == "turn still running: all other requests are waiting"
    assert (line["actor"], line["turn"]) == ("counter/a", "add")
    # It stood here, or in the waiting itself.
    assert Path(str(line["at"]).rpartition(":")[0]).suffix == ".py"


async def test_turns_and_views_of_a_system_are_watched(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actor_oauth.runtime.turn_watch.LONG_SECONDS", 0.0)
    with capture_logs() as logs:
        async with open_counters(data) as system:
            await system.get(Counter, "a").add(1)
            await system.get(Counter, "a").value()
            assert system.long_turns == 2
    told = [line["turn"] for line in logs if "turn" in line]
    assert told == ["add", "value"]
