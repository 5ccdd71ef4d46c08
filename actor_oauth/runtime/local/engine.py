"""One SQLite file per actor under the data directory, in WAL mode.

A turn is `BEGIN IMMEDIATE … COMMIT` with `synchronous=NORMAL`, so it is exclusive over all
processes on the data directory and never waits for the disk. Durability is one sync of the
write-ahead log, gathered over all the actors that committed meanwhile.
"""

import os
import resource
import secrets
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar, cast

import structlog
import trio
from sqlite_utils.migrations import Migrations

from actor_oauth.runtime.address import Address
from actor_oauth.runtime.engine import Store, Wake
from actor_oauth.runtime.local.disk import Disk
from actor_oauth.runtime.local.files import ActorFiles, connect, in_wal_mode
from actor_oauth.runtime.local.journal import Journal, orphans
from actor_oauth.runtime.local.store import CHECKPOINT_COMMITS, LocalStore
from actor_oauth.runtime.local.wakes import WakeIndex
from actor_oauth.runtime.schema import empty_image, migrate, steps

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# A store keeps the database, the log twice (SQLite's and ours) and the shared memory open.
FILES_PER_STORE: Final = 4
OTHER_FILES: Final = 512
"""Sockets, libraries and the like."""

SYNC_THREADS: Final = 4
FILES_PER_SYNC_THREAD: Final = 4
"""A thread that comes back waits for the interpreter: few, each with several files."""


class LocalEngine:
    """The engine of `DESIGN`'s default: files on one machine, any number of processes.

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
        self._journal = Journal(
            self._path / "live",
            f"{os.getpid()}-{secrets.token_hex(4)}",
            self._disk,
            lambda: self._stores,
        )
        self._images: dict[Migrations, tuple[int, bytes]] = {}
        self._suspect: set[Address] = set()
        self._orphans: dict[str, int] = {}
        self._nursery: trio.Nursery | None = None

    @property
    def max_activations(self) -> int:
        """How many stores fit into the open-file limit, which is raised to its maximum."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return max(16, (hard - OTHER_FILES) // FILES_PER_STORE)

    def run(self) -> AbstractAsyncContextManager[None]:
        """Hold the data directory open; see `Engine.run`.

        Raises:
            OSError: If the data directory cannot be made or written.
            sqlite3.Error: If the index of alarms cannot be opened.
        """
        return self._run()

    @asynccontextmanager
    async def _run(self) -> AsyncIterator[None]:
        await trio.to_thread.run_sync(self._prepare)
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                yield
                self._nursery = None
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(self._finish)

    def _prepare(self) -> None:
        for folder in (self._path, self._path / "actors", self._path / "live"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._disk.sync_directory(folder.parent)
        self._wakes.open()
        self._journal.open()

    def _finish(self) -> None:
        self._wakes.close()
        if self._stores:
            # Still busy at the end of the drain: the next process looks after them.
            self._journal.abandon()
            for store in self._stores.values():
                store.close()
            self._stores.clear()
        else:
            self._journal.close()

    def exists(self, address: Address) -> bool:
        """Whether the actor's file is there."""
        return address in self._stores or self._files.path(address).exists()

    async def open(
        self, address: Address, migrations: Migrations, *, create: bool
    ) -> Store | None:
        """Open the actor's file; see `Engine.open`."""
        goal, image = self._image(migrations)
        store = await trio.to_thread.run_sync(
            self._open, address, migrations, goal, image if create else None
        )
        if store is not None:
            self._stores[address] = store
        return store

    def _image(self, migrations: Migrations) -> tuple[int, bytes]:
        known = self._images.get(migrations)
        if known is None:
            goal = steps(migrations)
            known = goal, in_wal_mode(empty_image(migrations, goal))
            self._images[migrations] = known
        return known

    def _open(
        self, address: Address, migrations: Migrations, goal: int, image: bytes | None
    ) -> LocalStore | None:
        path = self._files.path(address)
        if not path.exists():
            if image is None:
                return None
            self._files.create(path, image)
        db = connect(path)
        try:
            migrate(db, migrations, goal)
            if address in self._suspect:
                self._rewrite(db)
                self._suspect.discard(address)
            db.execute("PRAGMA busy_timeout = 0")
            return LocalStore(address, path, db, self._journal)
        except BaseException:
            db.close()
            raise

    def _rewrite(self, db: sqlite3.Connection) -> None:
        """Write what a failed sync may have lost to the database file, and sync that.

        The kernel drops the error, and may drop the pages, once a failed sync has been
        reported, so syncing the log again would prove nothing.
        """
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA synchronous = NORMAL")

    async def make_durable(self, stores: Sequence[Store]) -> Mapping[Address, OSError]:
        """Sync the logs of all these stores at once; see `Engine.make_durable`."""
        local = cast("Sequence[LocalStore]", stores)
        seen = [store.seen for store in local]
        failures: dict[Address, OSError] = {}
        shares = _share_out(local)
        if len(shares) == 1:
            await trio.to_thread.run_sync(self._sync, shares[0], failures)
        else:
            async with trio.open_nursery() as nursery:
                for share in shares:
                    nursery.start_soon(
                        trio.to_thread.run_sync, self._sync, share, failures
                    )
        for store, version in zip(local, seen, strict=True):
            if store.address in failures:
                self._suspect.add(store.address)
            else:
                store.synced(version)
                self._checkpoint_if_long(store)
        return failures

    def _sync(
        self, stores: Sequence[LocalStore], failures: dict[Address, OSError]
    ) -> None:
        for store in stores:
            try:
                store.sync(self._disk)
            except OSError as error:
                failures[store.address] = error

    def _checkpoint_if_long(self, store: LocalStore) -> None:
        if store.commits >= CHECKPOINT_COMMITS and self._nursery is not None:
            store.commits = 0
            self._nursery.start_soon(self._checkpoint, store.path)

    async def _checkpoint(self, path: Path) -> None:
        """Move a long log into its database, beside the turns that go on."""

        def checkpoint() -> None:
            db = connect(path)
            try:
                db.execute("PRAGMA wal_checkpoint(PASSIVE)")
            finally:
                db.close()

        try:
            await trio.to_thread.run_sync(checkpoint)
        except sqlite3.Error as error:
            log.warning("checkpoint put off", file=path.name, error=str(error))

    async def close(self, stores: Sequence[tuple[Store, int | None]]) -> None:
        """Close stores, after noting their wake-ups; see `Engine.close`."""
        await trio.to_thread.run_sync(self._close, stores)
        for store, _ in stores:
            self._stores.pop(store.address, None)

    def _close(self, stores: Sequence[tuple[Store, int | None]]) -> None:
        local = cast("Sequence[tuple[LocalStore, int | None]]", stores)
        self._wakes.set(
            (store.address, wake)
            for store, wake in local
            if wake is not None and store.was_written
        )
        for store, _ in local:
            store.close()

    async def discard(self, store: Store) -> None:
        """Close a store that is not to be trusted; see `Engine.discard`."""
        local = cast("LocalStore", store)
        if self._stores.get(store.address) is local:
            del self._stores[store.address]
        try:
            await trio.to_thread.run_sync(local.close)
        except sqlite3.Error as error:
            log.warning(
                "broken actor's file", actor=str(store.address), error=str(error)
            )

    async def due_wakes(self, now: int) -> Sequence[Wake]:
        """Due entries of the index, and names in dead processes' journals."""
        due = await trio.to_thread.run_sync(self._wakes.due, now)
        wakes = [Wake(address, f"{address} {at}") for address, at in due]
        left = await trio.to_thread.run_sync(orphans, self._path / "live")
        for path, addresses in left.items():
            self._orphans[path.name] = len(addresses)
            wakes += [Wake(address, path.name) for address in addresses]
            if not addresses:
                path.unlink(missing_ok=True)
        return wakes

    async def forget_wakes(self, wakes: Sequence[Wake]) -> None:
        """Delete index entries, and journals once all of their names have been served."""
        entries: list[tuple[Address, int]] = []
        for wake in wakes:
            name, _, at = wake.receipt.partition(" ")
            if at:
                entries.append((wake.address, int(at)))
                continue
            self._orphans[name] -= 1
            if self._orphans[name] == 0:
                del self._orphans[name]
                (self._path / "live" / name).unlink(missing_ok=True)
        await trio.to_thread.run_sync(self._wakes.delete, entries)


T = TypeVar("T")


def _share_out(items: Sequence[T]) -> list[Sequence[T]]:
    threads = min(SYNC_THREADS, -(-len(items) // FILES_PER_SYNC_THREAD))
    return [items[start::threads] for start in range(threads)]
