"""How a batch of commits becomes durable: through the redo log, or each log by itself."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias

import structlog
import trio

from actor_oauth.runtime.address import Address
from actor_oauth.runtime.local.disk import Disk
from actor_oauth.runtime.local.log_tail import Copied
from actor_oauth.runtime.local.redo_log import RedoLog
from actor_oauth.runtime.local.redo_records import Record
from actor_oauth.runtime.local.store import LocalStore, Mark

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

SYNC_THREADS: Final = 4
FILES_PER_SYNC_THREAD: Final = 4
"""A thread that comes back waits for the interpreter: few, each with several files."""

Batch: TypeAlias = Mapping[LocalStore, Mark]
Share: TypeAlias = Sequence[tuple[LocalStore, Mark]]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a batch.

    Attributes:
        copied: Commits that were found in their logs.
        failures: Stores whose commits may not be durable, and why.
    """

    copied: dict[LocalStore, Copied] = field(default_factory=dict)
    failures: dict[Address, OSError] = field(default_factory=dict)


class Syncs:
    """Makes batches durable.

    Args:
        disk: For syncs.
        redo: For the commits that may be copied.
    """

    def __init__(self, disk: Disk, redo: RedoLog) -> None:
        self._disk = disk
        self._redo = redo
        # Syncs must not queue behind whatever else the process does in threads.
        self._limiter = trio.CapacityLimiter(SYNC_THREADS)
        self._one_batch = trio.Lock()

    async def make_durable(self, batch: Batch) -> Done:
        """Make what these stores had committed at their marks durable."""
        done = Done()
        async with self._one_batch:
            works = [partial(work, done) for work in self._works(batch)]
            if len(works) == 1:
                await self._offload(works[0])
            else:
                async with trio.open_nursery() as nursery:
                    for work in works:
                        nursery.start_soon(self._offload, work)
        return done

    async def end_redo_segment(self) -> None:
        """Let go of the redo log so far, once all logs that it covers are synced."""
        async with self._one_batch:
            await self._offload(self._end_redo_segment)

    def _end_redo_segment(self) -> None:
        try:
            self._redo.end_segment()
        except OSError as error:
            log.error("redo log not begun anew", error=str(error))
        self._redo.retire()

    async def _offload(self, work: Callable[[], None]) -> None:
        await self._disk.offload(work, limiter=self._limiter)

    def _works(self, batch: Batch) -> Iterator[Callable[[Done], None]]:
        """What to do in threads, side by side."""
        items = list(batch.items())
        copying = [item for item in items if item[1].pending.may_be_copied]
        if len(copying) > 1 and self._redo.usable:
            # What was committed just now is in the kernel's memory. Read here, it costs
            # no disk; a thread would wait for the interpreter after each call.
            found = {store: _find(store, mark) for store, mark in copying}
            yield partial(self._append, copying, found)
            items = [item for item in items if not item[1].pending.may_be_copied]
        for share in _share_out(items):
            yield partial(_sync, share)

    def _append(
        self, share: Share, found: Mapping[LocalStore, Copied | None], done: Done
    ) -> None:
        """Append commits to the redo log; sync the logs of those that were not found."""
        copied = {store: one for store, one in found.items() if one is not None}
        try:
            self._redo.append([_record(store, one) for store, one in copied.items()])
        except OSError:
            # The logs themselves are as good as they were: they can still be synced.
            _sync(share, done)
            return
        done.copied.update(copied)
        _sync([item for item in share if item[0] not in copied], done)


def _find(store: LocalStore, mark: Mark) -> Copied | None:
    """Copy a store's commits; None if its log cannot be read, or has them elsewhere."""
    try:
        return store.copy_commits(mark)
    except OSError:
        return None


def _sync(share: Share, done: Done) -> None:
    for store, mark in share:
        try:
            # First the copy: it tells where the commits end that the sync covers.
            found = store.copy_commits(mark)
            store.sync()
        except OSError as error:
            store.doubt()
            done.failures[store.address] = error
        else:
            if found is not None:
                done.copied[store] = found


def _record(store: LocalStore, found: Copied) -> Record:
    return Record(store.address, found.salts, found.offset, found.data)


def _share_out(items: Share) -> list[Share]:
    threads = min(SYNC_THREADS, -(-len(items) // FILES_PER_SYNC_THREAD))
    return [items[start::threads] for start in range(threads)]
