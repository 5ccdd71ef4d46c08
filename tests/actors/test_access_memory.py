"""A verdict that is remembered is always the one that the tables would give.

Two systems on one data directory stand for two processes, of which one remembers and the
other reads the tables for every check. Each step is done by either of them.
"""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

import pytest
import trio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from actor_oauth.actors.user import Refreshed
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.tokens import TokenResponse
from actor_oauth.runtime import RuntimeLimits
from tests.support.disks import InlineDisk
from tests.support.grants import SCOPE, a_policy
from tests.support.user_actor import Ada, open_ada

POLICY = a_policy(grace=60, access_token=300, refresh_idle=1000, refresh_absolute=3000)
IDLE_SECONDS = 30


class Deed(Enum):
    """What may be done."""

    AUTHORIZE = auto()
    SUPERSEDE = auto()
    REFRESH = auto()
    REVOKE_ACCESS = auto()
    REVOKE_REFRESH = auto()
    LOG_OUT = auto()


@dataclass(frozen=True)
class Step:
    """Something is done.

    Attributes:
        deed: What.
        remembers: Whether by the system that remembers.
        pick: Which of the answers so far it is about.
    """

    deed: Deed
    remembers: bool
    pick: int


@dataclass(frozen=True)
class Wait:
    """Time passes.

    Attributes:
        seconds: For tokens.
        passivate: Whether both systems let go of the user.
    """

    seconds: int
    passivate: bool


steps = st.lists(
    st.one_of(
        st.builds(Step, st.sampled_from(Deed), st.booleans(), st.integers(0, 9)),
        st.builds(Step, st.just(Deed.REFRESH), st.booleans(), st.integers(0, 9)),
        st.builds(Wait, st.sampled_from((0, 59, 61, 299, 1001)), st.booleans()),
    ),
    min_size=4,
    max_size=12,
)


@dataclass
class Run:
    """The two systems, and what either has given.

    Attributes:
        revoked: Access tokens whose end was answered.
    """

    remembering: Ada
    reading: Ada
    given: list[TokenResponse] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)

    async def take(self, step: Step | Wait) -> None:
        """Take a step, and hold every verdict against the tables."""
        if isinstance(step, Wait):
            self.remembering.now += step.seconds
            self.reading.now += step.seconds
            await trio.sleep(IDLE_SECONDS * 2 * step.passivate)
        else:
            ada = self.remembering if step.remembers else self.reading
            await self._do(ada, step.deed, self.given[step.pick % len(self.given)])
        for response in self.given:
            token = response.access_token
            verdict = await self.reading.check(token)
            assert verdict is None or token not in self.revoked
            for _ in range(3):
                assert await self.remembering.check(token) == verdict

    async def authorize(self, ada: Ada, *, supersede: bool) -> None:
        """Begin another grant, with props."""
        approval = Approval(
            scope=SCOPE, client_epoch=1, props={"a": 1}, supersede=supersede
        )
        self.given.append(await ada.tokens(approval=approval))

    async def _do(self, ada: Ada, deed: Deed, response: TokenResponse) -> None:
        match deed:
            case Deed.AUTHORIZE | Deed.SUPERSEDE:
                await self.authorize(ada, supersede=deed is Deed.SUPERSEDE)
            case Deed.REFRESH:
                refreshed = await ada.refresh(response.refresh_token)
                if isinstance(refreshed, Refreshed):
                    self.given.append(refreshed.response)
            case Deed.REVOKE_ACCESS:
                await ada.revoke(response.access_token)
                self.revoked.add(response.access_token)
            case Deed.REVOKE_REFRESH:
                await ada.revoke(response.refresh_token)
                self.revoked.add(response.access_token)
            case Deed.LOG_OUT:
                await ada.actor.revoke_all_grants(now=ada.now)
                self.revoked |= {given.access_token for given in self.given}


async def run(path: Path, steps: list[Step | Wait]) -> None:
    """Take steps in systems of their own."""
    remembers = RuntimeLimits(idle_seconds=IDLE_SECONDS)
    reads = RuntimeLimits(idle_seconds=IDLE_SECONDS, remembered_bytes=0)
    disk = InlineDisk()
    async with (
        open_ada(path, policy=POLICY, limits=remembers, disk=disk) as remembering,
        open_ada(path, policy=POLICY, limits=reads, disk=disk) as reading,
    ):
        run = Run(remembering, reading)
        await run.authorize(reading, supersede=False)
        for step in steps:
            await run.take(step)
        assert reading.system.remembered.hits == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory, if there is such a place."""
    place = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(dir=place if place.is_dir() else None))
    yield path
    shutil.rmtree(path)


@pytest.mark.requirement("G12", "G-05")
@given(steps=steps)
@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_g12_a_remembered_verdict_is_the_one_that_the_tables_give(
    folder: Path, steps: list[Step | Wait]
) -> None:
    clock = MockClock(autojump_threshold=0)
    trio.run(run, Path(tempfile.mkdtemp(dir=folder)), steps, clock=clock)
