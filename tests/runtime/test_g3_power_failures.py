"""G3 through real power failures, as far as a disk can tell them: SQLite's syncs count too.

Two processes write into actors, which are opened, moved and closed again all the
time. Then both are killed, and of what they had not synced anything may be missing.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from actor_oauth.bench.chance import Chance
from tests.support.counter import Counter
from tests.support.disks import InlineDisk
from tests.support.power_failure import PowerFailure, compile_recorder, recording
from tests.support.processes import actor_process
from tests.support.systems import open_counters

SHARED = ["shared"]
FEW = [f"few{number}" for number in range(3)]
"""They stay in memory, so that what they commit is copied to the redo log."""
MANY = [f"many{number}" for number in range(9)]
"""There is no room for all of them, so that they are closed and opened all the time."""
REPLIES = 150
STATES = 8


class RebootedDisk(InlineDisk):
    """The disk after the machine has started again."""

    def boot(self) -> str | None:
        """Not the run in which the power failed."""
        return "the next run"


@pytest.fixture
def environment(data: Path, memory: Path, tmp_path: Path) -> Mapping[str, str]:
    """The environment of processes whose syncs are recorded."""
    if memory == tmp_path:
        pytest.skip("a disk gives the numbers of deleted files to others")
    data.mkdir()
    return recording(compile_recorder(tmp_path), memory / "record")


@pytest.mark.requirement("G3")
@pytest.mark.needs("cc")
async def test_g3_whatever_is_left_of_what_was_not_synced_nothing_answered_is_lost(
    data: Path, memory: Path, environment: Mapping[str, str]
) -> None:
    churn = "tests.support.churning_process"
    async with (
        actor_process(data, module=churn, environment=environment) as one,
        actor_process(data, module=churn, environment=environment) as other,
    ):
        for process, keys in ((one, FEW), (other, MANY)):
            for key in SHARED + keys:
                await process.tell("write", key)
        for process in (one, other):
            while len(process.told) < REPLIES:
                await process.hear()
        # Together, as by a power failure.
        one.kill()
        other.kill()
    answered: dict[str, set[object]] = {key: set() for key in SHARED + FEW + MANY}
    for said in (*one.told, *other.told):
        answered[str(said["key"])].add(said["noted"])
    failure = PowerFailure(memory / "record", data)
    chance = Chance(1)
    for number in range(STATES):
        left = memory / f"left{number}"
        failure.leave(left, chance=chance, written=(0.0, 0.1, 0.5, 0.9)[number % 4])
        async with open_counters(left, disk=RebootedDisk()) as system:
            for key, noted in answered.items():
                assert noted <= set(await system.get(Counter, key).notes())
