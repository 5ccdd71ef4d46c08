"""Actor systems of counters, as most tests of the runtime want them."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from actor_oauth.runtime import (
    Actor,
    ActorSystem,
    Address,
    Clock,
    LocalEngine,
    RuntimeLimits,
    Store,
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


async def hold_elsewhere(counter: Counter, other: ActorSystem) -> Callable[[], object]:
    """Have another system hold a counter, as another process does in a turn.

    Both have it in memory then, and it is one higher than it was.

    Returns:
        What lets it go.
    """
    held = other.get(Counter, counter.address.key)
    await held.add(1)
    await counter.do(Counter.number)
    activation = other._directory.find(held.address)
    assert activation is not None
    assert activation.store.begin()
    return activation.store.rollback


class SlowToClose(LocalEngine):
    """An engine that closes stores only when it may.

    Attributes:
        closing: Set when it is asked to.
        close_now: To be set.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, disk=InlineDisk())
        self.closing, self.close_now = trio.Event(), trio.Event()

    async def close(
        self, stores: Sequence[tuple[Store, int | None]]
    ) -> Mapping[Address, Exception]:
        """Wait, and then close them."""
        self.closing.set()
        await self.close_now.wait()
        return await super().close(stores)
