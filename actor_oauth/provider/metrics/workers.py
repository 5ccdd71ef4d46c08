"""Counting over several processes: each counts in files of its own, the parent adds up.

The files are kept by the worker's number and not by its process, so that a worker that
takes the place of a dead one counts on: no counter falls, and there are never more files.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from actor_oauth.config import ConfigError
from actor_oauth.provider.metrics.counting import Metrics

FILE_BYTES: Final = 256 << 10
"""Of each file: more than all existing labels need."""

_KINDS: Final = ("counter", "gauge_livesum", "histogram")


class WorkerFiles:
    """The files of all workers, in the process that started them.

    Args:
        directory: Where they are.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._registry = CollectorRegistry()
        MultiProcessCollector(self._registry, str(directory))  # type: ignore[no-untyped-call]  # the library's

    def text(self) -> bytes:
        """Give the sums over all workers in Prometheus' text format 0.0.4."""
        return generate_latest(self._registry)

    def ended(self, number: int) -> None:
        """Take no more account of what a worker had in memory.

        Args:
            number: Of the worker, which has ended.
        """
        mark_process_dead(number, str(self.directory))  # type: ignore[no-untyped-call]  # the library's

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["WorkerFiles"]:
        """Make a directory for as long as the block lasts.

        Raises:
            ConfigError: There is no room for temporary files.
        """
        try:
            directory = TemporaryDirectory(prefix="actor-oauth-metrics-")
        except OSError as error:
            problem = f"metrics_port: no room for temporary files: {error.strerror}"
            raise ConfigError([problem]) from None
        with directory as name:
            yield cls(Path(name))


def metrics_of_worker(directory: Path, number: int) -> Metrics:
    """Count in a worker's files, from now on and in all of this process.

    Args:
        directory: Of `WorkerFiles`.
        number: Of the worker; no two that run have the same.

    Raises:
        OSError: There is no room for the files.
    """
    for kind in _KINDS:
        _reserve(directory / f"{kind}_{number}.db")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]  # the library's
    return Metrics()


def _reserve(path: Path) -> None:
    """Make a file with its room on the disk, unless a worker before has made it.

    They are written through memory, where a full disk is not an error but the end of the
    process.
    """
    if path.exists():
        return
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, FILE_BYTES)
    # The parent reads whatever has the other suffix, and must find it whole.
    new.rename(path)
