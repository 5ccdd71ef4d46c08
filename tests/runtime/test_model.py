"""Any turns, failures, passivations and crashes, in any order, against a model in memory.

A crash comes at a named phase of a turn, as a killed process (the kernel keeps what was
written) or a power failure (only what was synced is left). Whatever was answered must be
there afterwards; the turn that was under way, whole or not at all.
"""

import shutil
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

import pytest
import trio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from actor_oauth.runtime import ActorSystem, NotDurableError, RuntimeLimits
from tests.support.callers import Caller
from tests.support.counter import Counter, RefusedError
from tests.support.disks import FaultyDisk, PowerLossDisk, copy_as_killed
from tests.support.systems import open_counters

pytestmark = pytest.mark.requirement("G2", "G3")

KEYS = ("a", "b", "c", "d")


class At(Enum):
    """Where in a turn the process is lost."""

    BEFORE_COMMIT = auto()
    AFTER_COMMIT = auto()
    AFTER_SYNC = auto()


@dataclass(frozen=True)
class Add:
    """A turn that is answered."""

    key: str


@dataclass(frozen=True)
class Fail:
    """A turn that raises."""

    key: str


@dataclass(frozen=True)
class FailSync:
    """A turn whose sync fails."""

    key: str


@dataclass(frozen=True)
class Look:
    """A view."""

    key: str


@dataclass(frozen=True)
class Idle:
    """Nothing for so long that every actor is passivated."""


@dataclass(frozen=True)
class Restart:
    """An orderly shutdown, and a new process."""


@dataclass(frozen=True)
class Crash:
    """A process lost in the middle of a turn, and a new one."""

    key: str
    phase: At
    power: bool


Step = Add | Fail | FailSync | Look | Idle | Restart | Crash

keys = st.sampled_from(KEYS)
steps = st.lists(
    st.one_of(
        st.builds(Add, keys),
        st.builds(Add, keys),
        st.builds(Fail, keys),
        st.builds(FailSync, keys),
        st.builds(Look, keys),
        st.builds(Idle),
        st.builds(Restart),
        st.builds(Crash, keys, st.sampled_from(At), st.booleans()),
    ),
    min_size=5,
    max_size=25,
)


class ModelDisk(FaultyDisk, PowerLossDisk):
    """A disk that fails, holds back, and knows what a power failure would leave."""

    def __init__(self, root: Path) -> None:
        FaultyDisk.__init__(self)
        PowerLossDisk.__init__(self, root)

    def sync_data(self, descriptor: int) -> None:
        """Fail, or remember the file as it is now."""
        FaultyDisk.sync_data(self, descriptor)
        PowerLossDisk.sync_data(self, descriptor)

    def sync_directory(self, path: Path) -> None:
        """Fail, or remember the names as they are now."""
        FaultyDisk.sync_directory(self, path)
        PowerLossDisk.sync_directory(self, path)


@dataclass
class Run:
    """A run of steps.

    Attributes:
        may_be: What each counter may be: more than one number where a turn's fate is
            unknown, until somebody has seen it.
        checkpointed: Whether SQLite has synced what the disk does not know of.
    """

    folder: Path
    number: int = 0
    may_be: dict[str, set[int]] = field(
        default_factory=lambda: {key: {0} for key in KEYS}
    )
    checkpointed: bool = False

    @property
    def data(self) -> Path:
        """The data directory of the process that runs now."""
        return self.folder / str(self.number)

    async def take(self, steps: list[Step]) -> None:
        """Take steps, process after process."""
        todo = deque(steps)
        while todo:
            disk = ModelDisk(self.data)
            limits = RuntimeLimits(idle_seconds=30)
            async with open_counters(self.data, disk=disk, limits=limits) as system:
                crashed = await self._in_process(system, disk, todo)
            if crashed:
                self.number += 1
            self.checkpointed = False

    async def _in_process(
        self, system: ActorSystem, disk: ModelDisk, todo: deque[Step]
    ) -> bool:
        """Take steps until the process ends; whether it was lost."""
        while todo:
            match todo.popleft():
                case Restart():
                    return False
                case Crash() as crash:
                    await self._crash(system, disk, crash)
                    return True
                case Idle():
                    await trio.sleep(100)
                    self.checkpointed = True
                case step:
                    await self._call(system, disk, step)
        return False

    async def _call(
        self, system: ActorSystem, disk: ModelDisk, step: Add | Fail | FailSync | Look
    ) -> None:
        counter = system.get(Counter, step.key)
        match step:
            case Add():
                value = await counter.add(1)
                assert value - 1 in self.may_be[step.key]
                self.may_be[step.key] = {value}
            case Look():
                value = await counter.value()
                assert value in self.may_be[step.key]
                # Twice, so that the second one may be remembered.
                for _ in range(2):
                    tally = await counter.tally("a")
                    assert value == (0 if tally is None else tally.value)
                self.may_be[step.key] = {value}
            case Fail():
                with pytest.raises(RefusedError):
                    await counter.add_and_fail()
            case FailSync():
                disk.failing = {f"{step.key}.db-wal"}
                with pytest.raises(NotDurableError):
                    await counter.add(1)
                disk.failing = set()
                self.may_be[step.key] |= {n + 1 for n in self.may_be[step.key]}
                # Reading the state anew moves the log into the database.
                self.checkpointed = True

    async def _crash(self, system: ActorSystem, disk: ModelDisk, crash: Crash) -> None:
        after = self.folder / str(self.number + 1)

        def lose() -> None:
            # What SQLite has synced by itself, the disk would take for lost.
            if crash.power and not self.checkpointed:
                disk.leave(after)
            else:
                copy_as_killed(self.data, after)

        def add(inside: Counter) -> int:
            inside.db.execute("UPDATE number SET value = value + 1")
            if crash.phase is At.BEFORE_COMMIT:
                lose()
            return inside.number()

        counter = system.get(Counter, crash.key)
        if crash.phase is At.AFTER_COMMIT:
            await self._lose_after_commit(counter, disk, lose)
        else:
            await counter.do(add)
            if crash.phase is At.AFTER_SYNC:
                lose()
        before = self.may_be[crash.key]
        then = {n + 1 for n in before}
        fate = {
            At.BEFORE_COMMIT: before,
            At.AFTER_COMMIT: before | then,
            At.AFTER_SYNC: then,
        }
        self.may_be[crash.key] = fate[crash.phase]

    async def _lose_after_commit(
        self, counter: Counter, disk: ModelDisk, lose: Callable[[], None]
    ) -> None:
        # In memory, so that nothing else has to be synced for it.
        await counter.do(Counter.number)
        disk.hold()
        async with trio.open_nursery() as nursery:
            call = Caller(nursery, counter.add(1))
            await disk.holds()
            lose()
            disk.let_go()
            await call.answer()


@given(steps)
@settings(
    max_examples=40,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_happens_what_was_answered_is_there(
    memory: Path, steps: list[Step]
) -> None:
    folder = Path(tempfile.mkdtemp(dir=memory))
    clock = MockClock(autojump_threshold=0)
    trio.run(Run(folder).take, [*steps, *map(Look, KEYS)], clock=clock)
    shutil.rmtree(folder)
