"""Actor systems of counters, as most tests of the runtime want them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from actor_oauth.runtime import (
    Actor,
    ActorSystem,
    Clock,
    LocalEngine,
    RuntimeLimits,
    TrioClock,
    open_system,
)
from actor_oauth.runtime.local import Disk
from tests.support.counter import Counter
from tests.support.disks import InlineDisk


@asynccontextmanager
async def open_counters(
    path: Path,
    *,
    disk: Disk | None = None,
    kinds: Sequence[type[Actor]] = (Counter,),
    limits: RuntimeLimits | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[ActorSystem]:
    """A system on a data directory, without threads unless the disk has some."""
    engine = LocalEngine(path, disk=disk or InlineDisk())
    async with open_system(
        engine, kinds, limits=limits, clock=clock or TrioClock()
    ) as system:
        yield system
