"""One SQLite file per actor under the data directory, in WAL mode.

A turn is `BEGIN IMMEDIATE … COMMIT` with `synchronous=NORMAL`, so it is exclusive over all
processes on the data directory and never waits for the disk. Durability is one sync,
gathered over all the actors that committed meanwhile (see `syncs`).
"""

import os
import resource
import secrets
import sqlite3
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, cast

import structlog
import trio
from sqlite_utils.migrations import Migrations

from actor_oauth.runtime.address import Address
from actor_oauth.runtime.engine import Store, Wake
from actor_oauth.runtime.local.disk import Disk
from actor_oauth.runtime.local.files import (
    BUSY_SECONDS,
    ActorFiles,
    checkpoint,
    configure,
    connect,
    in_wal_mode,
    rewrite,
)
from actor_oauth.runtime.local.journal import Journal, adopt_orphans
from actor_oauth.runtime.local.redo_log import SEGMENT_SECONDS, RedoLog
from actor_oauth.runtime.local.redo_recovery import recover
from actor_oauth.runtime.local.store import CHECKPOINT_COMMITS, LocalStore
from actor_oauth.runtime.local.syncs import Syncs
from actor_oauth.runtime.local.wakes import WakeIndex
from actor_oauth.runtime.schema import empty_image, is_current, migrate, steps

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# A store keeps the database, the log twice (SQLite's and ours) and the shared memory open,
# and SQLite keeps the descriptor of a closed second connection for the next one.
FILES_PER_STORE: Final = 5
CLOSED_BY_A_THREAD: Final = 8
OTHER_FILES: Final = 512
"""Sockets, libraries and the like."""
ENOUGH_FILES: Final = 1 << 16


class LocalEngine:
    """A file for each actor, on one machine, for any number of processes.

    Args:
        path: The data directory; made if it is not there.
        disk: Stable storage; tests put a failing or slow one here.
    """

    def __init__(self, path: Path, *, disk: Disk | None = None) -> None:
        self._path = path.absolute()
        self._disk = disk or Disk()
        self._files = ActorFiles(self._path, self._disk)
        self._wakes = WakeIndex(self._path / "wakes.db")
        self._stores: dict[Address, LocalStore] = {}
        # Let go of without a wake-up in the index: the journal must go on naming them.
        self._owed: set[Address] = set()
        name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._journal = Journal(
            self._path / "live",
            name,
            self._disk,
            self._in_care,
        )
        self._images: dict[Migrations, tuple[int, bytes]] = {}
        self._boot = self._disk.boot()
        self._redo = RedoLog(
            self._path / "redo",
            name,
            boot=self._boot,
            disk=self._disk,
            sync_logs=self._files.sync_logs,
        )
        self._syncs = Syncs(self._disk, self._redo)
        self._nursery: trio.Nursery | None = None

    @property
    def max_activations(self) -> int:
        """How many stores fit into the open-file limit."""
        return _stores_that_fit()

    def run(self) -> AbstractAsyncContextManager[None]:
        """Hold the data directory open; see `Engine.run`.

        Raises:
            OSError: If the data directory cannot be made or written.
            sqlite3.Error: If the index of alarms cannot be opened.
        """
        return self._run()

    @asynccontextmanager
    async def _run(self) -> AsyncIterator[None]:
        await self._disk.offload(self._prepare)
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                running = trio.CancelScope()
                nursery.start_soon(self._end_old_redo_segments, running)
                try:
                    yield
                finally:
                    running.cancel()
                    self._nursery = None
        finally:
            with trio.CancelScope(shield=True):
                await self._disk.offload(self._finish)

    async def _end_old_redo_segments(self, running: trio.CancelScope) -> None:
        with running:
            while True:
                await trio.sleep(SEGMENT_SECONDS)
                await self._syncs.end_redo_segment()

    def _prepare(self) -> None:
        _raise_file_limit()
        for name in ("", "actors", "live", "redo"):
            folder = self._path / name
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._disk.sync_directory(folder.parent)
        recover(
            self._path / "redo",
            boot=self._boot,
            files=self._files,
        )
        self._wakes.open()
        try:
            self._disk.sync_directory(self._path)
            self._journal.open()
            self._redo.open()
        except BaseException:
            self._journal.close(remove=True)
            self._wakes.close()
            raise

    def _finish(self) -> None:
        # What is still busy at the end of the drain, another process looks after.
        self._journal.close(remove=not self._in_care())
        self._wakes.close()
        for store in self._stores.values():
            store.close()
        self._stores.clear()
        self._redo.close()

    def _in_care(self) -> Collection[Address]:
        return self._stores.keys() | self._owed

    def exists(self, address: Address) -> bool:
        """Whether the actor's file is there."""
        return address in self._stores or self._files.path(address).exists()

    async def open(
        self, address: Address, migrations: Migrations, *, create: bool
    ) -> Store | None:
        """Open the actor's file; see `Engine.open`."""
        goal, image = self._image(migrations)
        path = self._files.path(address)
        opened = await self._disk.offload(
            partial(self._connect, address, path, image if create else None)
        )
        if opened is None:
            return None
        db, suspect = opened
        try:
            configure(db)
            if suspect or not _is_current(db, goal):
                await self._disk.offload(
                    partial(self._mend, address, db, migrations, goal)
                )
            store = LocalStore(
                address, path, db, self._journal, self._disk, self._files.suspects
            )
        except BaseException:
            with trio.CancelScope(shield=True):
                await self._disk.offload(db.close)
            raise
        self._stores[address] = store
        return store

    def _image(self, migrations: Migrations) -> tuple[int, bytes]:
        known = self._images.get(migrations)
        if known is None:
            goal = steps(migrations)
            known = goal, in_wal_mode(empty_image(migrations, goal))
            self._images[migrations] = known
        return known

    def _connect(
        self, address: Address, path: Path, image: bytes | None
    ) -> tuple[sqlite3.Connection, bool] | None:
        """Open a database; None if there is none. Also tells whether it is suspect."""
        if image is not None and not path.exists():
            self._files.create(path, image)
        suspect = address in self._files.suspects
        try:
            return connect(path), suspect
        except sqlite3.OperationalError:
            if path.exists():
                raise
            return None

    def _mend(
        self,
        address: Address,
        db: sqlite3.Connection,
        migrations: Migrations,
        goal: int,
    ) -> None:
        """Do what few databases need before they are used."""
        suspects = self._files.suspects
        db.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
        migrate(db, migrations, goal)
        if address in suspects:
            rewrite(db)
            suspects.clear(address)
        db.execute("PRAGMA busy_timeout = 0")

    async def make_durable(self, stores: Sequence[Store]) -> Mapping[Address, OSError]:
        """Make all these stores' commits durable at once; see `Engine.make_durable`."""
        batch = {store: store.mark() for store in cast("Sequence[LocalStore]", stores)}
        done = await self._syncs.make_durable(batch)
        for store, mark in batch.items():
            if store.address not in done.failures:
                store.made_durable(mark, done.copied.get(store))
                self._checkpoint_if_long(store)
        if self._redo.has_full_segments and self._nursery is not None:
            self._nursery.start_soon(self._disk.offload, self._redo.retire)
        return done.failures

    def _checkpoint_if_long(self, store: LocalStore) -> None:
        if store.commits >= CHECKPOINT_COMMITS and self._nursery is not None:
            store.commits = 0
            self._nursery.start_soon(self._checkpoint, store)

    async def _checkpoint(self, store: LocalStore) -> None:
        try:
            with store.turns_kept_out():
                await self._disk.offload(partial(checkpoint, store.path))
        except sqlite3.Error as error:
            log.info("checkpoint put off", file=store.path.name, error=str(error))
        else:
            store.tail.look_again()

    async def close(
        self, stores: Sequence[tuple[Store, int | None]]
    ) -> Mapping[Address, Exception]:
        """Close stores, after noting their wake-ups; see `Engine.close`."""
        local = cast("Sequence[tuple[LocalStore, int | None]]", stores)
        kept = await self._disk.offload(partial(self._note_wakes, local))
        gone = [store for store, _ in local if store.address not in kept]
        await self._close_all(gone)
        for store in gone:
            del self._stores[store.address]
            if store.may_have_duties:
                self._owed.discard(store.address)
        return kept

    async def _close_all(self, stores: Sequence[LocalStore]) -> None:
        """Close stores side by side: each waits for two syncs, and a disk does several."""
        threads = -(-len(stores) // CLOSED_BY_A_THREAD)
        # Whoever is cancelled half-way would not know which are closed.
        with trio.CancelScope(shield=True):
            async with trio.open_nursery() as nursery:
                for start in range(threads):
                    share = stores[start::threads]
                    nursery.start_soon(
                        self._disk.offload, partial(_close_in_turn, share)
                    )

    def _note_wakes(
        self, stores: Sequence[tuple[LocalStore, int | None]]
    ) -> Mapping[Address, Exception]:
        """Note when to wake whom; gives those for whom that failed."""
        wakes = [
            (store.address, wake)
            for store, wake in stores
            if wake is not None and store.may_have_duties
        ]
        try:
            self._wakes.set(wakes)
        except sqlite3.Error as error:
            return {address: error for address, _ in wakes}
        return {}

    async def discard(self, store: Store) -> None:
        """Close a store that is not to be trusted; see `Engine.discard`."""
        local = cast("LocalStore", store)
        noted = await self._disk.offload(partial(self._discard, local))
        del self._stores[store.address]
        if not noted:
            self._owed.add(store.address)

    def _discard(self, store: LocalStore) -> bool:
        """Close the store; whether its duties, if it has any, are in the index."""
        noted = True
        if store.may_have_duties:
            try:
                self._wakes.set([(store.address, 0)])
            except sqlite3.Error as error:
                log.error("no wake-up", actor=str(store.address), error=str(error))
                noted = False
        store.close()
        return noted

    async def due_wakes(self, now: int) -> Sequence[Wake]:
        """Due entries of the index, to which the journals of dead processes are added."""
        owed = list(self._owed)
        due = await self._disk.offload(partial(self._due_wakes, owed, now))
        self._owed.difference_update(owed)
        return due

    def _due_wakes(self, owed: Sequence[Address], now: int) -> Sequence[Wake]:
        self._wakes.set((address, 0) for address in owed)
        adopt_orphans(
            self._path / "live",
            lambda names: self._wakes.set((name, 0) for name in names),
        )
        return self._wakes.due(now)

    async def forget_wakes(self, wakes: Sequence[Wake]) -> None:
        """Delete entries of the index."""
        await self._disk.offload(partial(self._wakes.delete, wakes))

    async def put_off_wakes(self, wakes: Sequence[Wake], until: int) -> None:
        """Move entries of the index to a later time."""
        await self._disk.offload(partial(self._wakes.put_off, wakes, until))


def _close_in_turn(stores: Sequence[LocalStore]) -> None:
    for store in stores:
        store.close()


def _is_current(db: sqlite3.Connection, goal: int) -> bool:
    try:
        return is_current(db, goal)
    except sqlite3.Error:
        # A thread waits if another process is at work, and says what else is wrong.
        return False


def files_beside_stores(activations: int) -> int:
    """Count the files that a process may have open for connections and the like.

    Args:
        activations: How many actors it may have in memory.
    """
    return _file_limit() - FILES_PER_STORE * min(activations, _stores_that_fit())


def _stores_that_fit() -> int:
    return max(16, (_file_limit() - OTHER_FILES) // FILES_PER_STORE)


def _file_limit() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ENOUGH_FILES if soft == resource.RLIM_INFINITY else soft


def _raise_file_limit() -> None:
    """Allow as many open files as are useful and the operating system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    goal = ENOUGH_FILES if hard == resource.RLIM_INFINITY else min(hard, ENOUGH_FILES)
    if soft != resource.RLIM_INFINITY and soft < goal:
        resource.setrlimit(resource.RLIMIT_NOFILE, (goal, hard))
