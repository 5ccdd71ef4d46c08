"""What durability costs: several ways to commit turns of many actors, on real files.

Each simulated caller owns one SQLite file, as an actor does, and repeats: run a small
transaction, wait until it is on stable storage, answer. Measured are answers per
second and how late a task that sleeps one millisecond wakes up meanwhile, which is
what every other connection of the event loop feels.

    python -m benchmarks.commits [--callers 1 16 64] [--seconds 2] [--dir DIR] [--json]
"""

import argparse
import json
import os
import sqlite3
import statistics
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

import trio
from rich.console import Console
from rich.table import Table

Commit = Callable[["ActorFile"], Awaitable[None]]


class ActorFile:
    """One actor's database, and a descriptor of its WAL to flush it by."""

    def __init__(self, path: Path, synchronous: str) -> None:
        self.connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False
        )
        self.connection.execute("PRAGMA page_size = 1024")
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute(f"PRAGMA synchronous = {synchronous}")
        self.connection.execute(
            "CREATE TABLE chain (id INTEGER PRIMARY KEY, hash BLOB, used_at INTEGER)"
            " STRICT"
        )
        self.connection.execute("INSERT INTO chain VALUES (0, x'00', 0)")
        self.wal = os.open(f"{path}-wal", os.O_RDWR)
        self.turns = 0

    def run_turn(self) -> None:
        """Do what a refresh does: read the row, move it on, remember the old one."""
        self.turns += 1
        run = self.connection.execute
        run("BEGIN IMMEDIATE")
        run("SELECT hash, used_at FROM chain WHERE id = 0").fetchone()
        run("UPDATE chain SET hash = ?, used_at = ? WHERE id = 0", (b"h" * 32, 1))
        run(
            "INSERT OR REPLACE INTO chain VALUES (?, ?, ?)",
            (1 + self.turns % 8, b"g" * 32, self.turns),
        )
        run("COMMIT")

    def close(self) -> None:
        """Close the descriptor first: closing the connection removes the WAL."""
        os.close(self.wal)
        self.connection.close()


class Gatherer:
    """Makes durable what all actors committed meanwhile, batch after batch.

    Args:
        flush: Makes the commits of a batch durable.
        threads: Over how many threads a batch is spread; 0 blocks the event loop.
    """

    def __init__(self, flush: Callable[[list[ActorFile]], None], threads: int) -> None:
        self._flush = flush
        self._threads = threads
        self._files: list[ActorFile] = []
        self._flushed = trio.Event()
        self._wanted = trio.Event()

    async def commit(self, file: ActorFile) -> None:
        """Commit without a flush, and wait for the batch that flushes it."""
        file.run_turn()
        self._files.append(file)
        self._wanted.set()
        await self._flushed.wait()

    async def run(self) -> None:
        """Flush until cancelled."""
        while True:
            await self._wanted.wait()
            # The callers of the previous batch run first, and join this one.
            await trio.lowlevel.checkpoint()
            files, flushed = self._files, self._flushed
            self._files, self._flushed, self._wanted = [], trio.Event(), trio.Event()
            await self._flush_batch(files)
            flushed.set()

    async def _flush_batch(self, files: list[ActorFile]) -> None:
        if self._threads == 0:
            self._flush(files)
        elif self._threads == 1:
            await trio.to_thread.run_sync(self._flush, files)
        else:
            async with trio.open_nursery() as nursery:
                for start in range(min(self._threads, len(files))):
                    part = files[start :: self._threads]
                    nursery.start_soon(trio.to_thread.run_sync, self._flush, part)


def flush_each(files: list[ActorFile]) -> None:
    """One flush per actor, one after the other."""
    for file in files:
        os.fdatasync(file.wal)


class SharedLog:
    """A redo log for all actors: the pages of a batch in one write and one flush.

    What it would take to replay such a log after a crash is not part of the figure.
    """

    PAGES_OF_A_TURN = 3 * (1024 + 24)

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT)
        os.posix_fallocate(self._file, 0, 64 << 20)
        os.fsync(self._file)
        self._end = 0

    def flush(self, files: list[ActorFile]) -> None:
        """Copy what each WAL got into the log, and flush that."""
        pages = b"".join(os.pread(f.wal, self.PAGES_OF_A_TURN, 32) for f in files)
        if self._end + len(pages) > 64 << 20:
            self._end = 0
        os.pwrite(self._file, pages, self._end)
        self._end += len(pages)
        os.fdatasync(self._file)


async def _commit_inline(file: ActorFile) -> None:
    file.run_turn()
    await trio.lowlevel.checkpoint()


async def _commit_in_thread(file: ActorFile) -> None:
    await trio.to_thread.run_sync(file.run_turn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to commit."""

    name: str
    synchronous: str
    commit: Commit
    gatherer: Gatherer | None = None


def _variants(root: Path) -> Iterator[Variant]:
    yield Variant(
        name="not durable (NORMAL inline)", synchronous="NORMAL", commit=_commit_inline
    )
    yield Variant(name="FULL inline", synchronous="FULL", commit=_commit_inline)
    yield Variant(name="FULL in threads", synchronous="FULL", commit=_commit_in_thread)
    with tempfile.TemporaryDirectory(dir=root) as folder:
        log = SharedLog(Path(folder) / "redo.log")
        for name, flush, threads in (
            ("gathered fdatasync, one thread", flush_each, 1),
            ("gathered fdatasync, four threads", flush_each, 4),
            ("gathered fdatasync, inline", flush_each, 0),
            ("one shared log, one thread", log.flush, 1),
            ("one shared log, inline", log.flush, 0),
        ):
            gatherer = Gatherer(flush, threads)
            yield Variant(
                name=f"NORMAL + {name}",
                synchronous="NORMAL",
                commit=gatherer.commit,
                gatherer=gatherer,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one variant reached with one number of callers; times in milliseconds."""

    variant: str
    callers: int
    per_second: float
    latency_p50: float
    latency_p99: float
    lag_p50: float
    lag_p99: float


def _quantile(samples: list[float], share: float) -> float:
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


@contextmanager
def _files(root: Path, count: int, synchronous: str) -> Iterator[list[ActorFile]]:
    with tempfile.TemporaryDirectory(dir=root) as folder:
        files = [
            ActorFile(Path(folder) / f"{number}.sqlite", synchronous)
            for number in range(count)
        ]
        try:
            yield files
        finally:
            for file in files:
                file.close()


async def _measure(variant: Variant, files: list[ActorFile], seconds: float) -> Figures:
    latencies: list[float] = []
    lags: list[float] = []

    async def call(file: ActorFile) -> None:
        while True:
            started = perf_counter()
            await variant.commit(file)
            latencies.append(perf_counter() - started)

    async def feel_the_lag() -> None:
        while True:
            due = perf_counter() + 0.001
            await trio.sleep(0.001)
            lags.append(perf_counter() - due)

    started = perf_counter()
    with trio.move_on_after(seconds):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(feel_the_lag)
            if variant.gatherer is not None:
                nursery.start_soon(variant.gatherer.run)
            for file in files:
                nursery.start_soon(call, file)
    elapsed = perf_counter() - started
    return Figures(
        variant=variant.name,
        callers=len(files),
        per_second=round(len(latencies) / elapsed, 1),
        latency_p50=round(statistics.median(latencies) * 1000, 3),
        latency_p99=round(_quantile(latencies, 0.99), 3),
        lag_p50=round(_quantile(lags, 0.5), 3),
        lag_p99=round(_quantile(lags, 0.99), 3),
    )


def measure_all(
    root: Path, callers: list[int], seconds: float, console: Console
) -> list[Figures]:
    """Measure every variant with every number of callers, one after the other.

    Args:
        root: Where the files go. A RAM disk would make all variants look alike.
        callers: How many actors commit at once.
        seconds: How long each measurement runs.
        console: Where progress is told.
    """
    figures = []
    for count in callers:
        for variant in _variants(root):
            with (
                console.status(f"{count} callers: {variant.name}"),
                _files(root, count, variant.synchronous) as files,
            ):
                figures.append(trio.run(_measure, variant, files, seconds))
    return figures


def render(figures: list[Figures]) -> Table:
    """The figures as a table for the terminal."""
    table = Table(title="Durable turns, each on its own SQLite file")
    table.add_column("variant")
    for heading in ("callers", "turns/s", "p50 ms", "p99 ms", "lag p50", "lag p99"):
        table.add_column(heading, justify="right")
    for row in figures:
        table.add_row(
            row.variant,
            str(row.callers),
            f"{row.per_second:,.0f}",
            f"{row.latency_p50:.2f}",
            f"{row.latency_p99:.2f}",
            f"{row.lag_p50:.2f}",
            f"{row.lag_p99:.2f}",
        )
    return table


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.commits", description=__doc__)
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    figures = measure_all(
        options.dir, options.callers, options.seconds, Console(stderr=True)
    )
    if options.json:
        print(json.dumps([asdict(row) for row in figures], indent=2))
    else:
        Console(width=110).print(render(figures))


if __name__ == "__main__":
    main()
