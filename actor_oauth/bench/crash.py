"""Kills the server repeatedly under load, and checks what clients were told.

Every answer that a client got must hold after the next start: the histories say whether it
does. A request that was cut off may have taken effect or not, and no more than once.

`kill -9` takes a process, and leaves what the kernel has of its files. That a power failure
takes no answer back either is shown by tests of the runtime, with a disk that forgets.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Final, Protocol

from actor_oauth.bench.chance import Chance
from actor_oauth.bench.fleet import Fleet
from actor_oauth.bench.histogram import Histogram
from actor_oauth.bench.history.judge import HistoryReport
from actor_oauth.bench.history.model import Rules, State
from actor_oauth.bench.history.play import Job, Mix, Play, run_plays
from actor_oauth.bench.source import Source
from actor_oauth.bench.target import Target

Played = list[tuple[State, Play]]

# A server is left alone for so many seconds between its start and its end.
SHORTEST_LIFE: Final = 0.1
LONGEST_LIFE: Final = 0.8


class Killable(Protocol):
    """A server that can be ended and started again, at the same address."""

    def kill(self) -> None:
        """End it as `kill -9` does, with all its processes."""
        ...

    def start(self) -> None:
        """Start it, and wait until it answers."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashReport:
    """The results.

    Attributes:
        kills: How often all processes were killed.
        restarts: How long each start took, until requests were answered.
        histories: Of all grants.
    """

    kills: int
    restarts: Histogram
    histories: HistoryReport


def run_crashes(
    server: Killable,
    target: Target,
    source: Source,
    fleet: Fleet,
    *,
    kills: int,
    grants: int,
    mix: Mix,
    rules: Rules,
    seed: int,
    on_kill: Callable[[int], None],
) -> CrashReport:
    """Kill and start a server repeatedly while clients keep working.

    Args:
        server: It.
        target: How to ask it.
        source: Where grants come from.
        fleet: From where requests are sent.
        kills: How often.
        grants: How many are played all the time.
        mix: How their clients behave, until they are told to stop.
        rules: What the server promises.
        seed: For all that is left to chance.
        on_kill: Called with the number of kills so far.
    """
    chance = Chance(seed)
    lives = [chance.between(SHORTEST_LIFE, LONGEST_LIFE) for _ in range(kills)]
    restarts = Histogram()
    job = Job(target=target, starts=source.grants(grants), mix=mix, seed=seed)
    playing = fleet.start(run_plays, job)
    for number, life in enumerate(lives):
        _wait_for_answers(fleet, playing, grants)
        sleep(life)
        server.kill()
        begun = monotonic()
        server.start()
        restarts.add(monotonic() - begun)
        on_kill(number + 1)
    # The server is back: what clients were told before must still hold.
    fleet.stop()
    histories = HistoryReport()
    for initial, play in playing.result():
        histories.add(initial, play, rules)
    return CrashReport(kills=kills, restarts=restarts, histories=histories)


def _wait_for_answers(fleet: Fleet, playing: Future[Played], number: int) -> None:
    """Wait until clients have had so many more answers: they are all at work."""
    wanted = fleet.ticks + number
    while fleet.ticks < wanted and not playing.done():
        sleep(0.01)
