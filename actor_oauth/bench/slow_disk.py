"""Refreshes on a disk whose syncs take longer: is throughput kept, is anybody blocked?

The syncs of the whole server process are delayed, SQLite's own among them, by a small
library that is compiled for the run and preloaded.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actor_oauth.bench.asking import BenchError, ask
from actor_oauth.bench.fleet import open_fleet
from actor_oauth.bench.histogram import Histogram, histogram_of
from actor_oauth.bench.http import render
from actor_oauth.bench.own_server import own_server
from actor_oauth.bench.plan import Plan, divide_cores
from actor_oauth.bench.throughput.load import Job, Kind, Result, run_load

_SOURCE: Final = Path(__file__).with_name("slow_disk.c")
_DELAY_VARIABLE: Final = "ACTOR_OAUTH_BENCH_SYNC_DELAY"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowDiskFigure:
    """What was reached at one delay.

    Attributes:
        delay: Of every sync, in milliseconds.
        connections: Kept busy at once.
        per_second: Refreshes.
        result: Of the load.
        lag: How late the server's event loop was, again and again.
    """

    delay: float
    connections: int
    per_second: float
    result: Result
    lag: Histogram


@contextmanager
def compiled_shim() -> Iterator[Path]:
    """Compile the library that delays; gives its path.

    Raises:
        BenchError: There is no C compiler.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise BenchError("delaying syncs takes a C compiler (cc or gcc)")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "slow_disk.so"
        subprocess.run(  # noqa: S603 - the compiler
            [compiler, "-shared", "-fPIC", "-O2", "-o", library, _SOURCE, "-ldl"],
            check=True,
        )
        yield library


def run_slow_disk(
    plan: Plan, tell: Callable[[str, int, int], None]
) -> Sequence[SlowDiskFigure]:
    """Measure refreshes at each delay.

    Args:
        plan: Says which, and how long.
        tell: Called with progress.

    Raises:
        BenchError: There is no C compiler, or the server did not come up.
    """
    connections = max(plan.connections)
    with compiled_shim() as library:
        found = []
        for number, delay in enumerate(plan.delays):
            tell(f"syncs take {delay:g} ms longer", number, len(plan.delays))
            found.append(_measure(plan, library, delay, connections))
    return found


def _measure(
    plan: Plan, library: Path, delay: float, connections: int
) -> SlowDiskFigure:
    cores = divide_cores(1)
    environment = {
        "LD_PRELOAD": str(library),
        _DELAY_VARIABLE: str(int(delay * 1000)),
    }
    with (
        open_fleet(1, cores.drivers) as fleet,
        own_server(
            cores=cores.server, environment=environment, feels_lag=True
        ) as server,
    ):
        target = server.target()
        job = Job(
            kind=Kind.REFRESH,
            seconds=plan.seconds,
            connections=connections,
            target=target,
            grants=server.source(target).grants(connections),
        )
        lag_url = render("GET", f"{server.url}/lag")
        ask(lag_url)
        result = fleet.run(run_load, job)
        late: list[float] = json.loads(ask(lag_url).body)
    return SlowDiskFigure(
        delay=delay,
        connections=connections,
        per_second=result.good / plan.seconds,
        result=result,
        lag=histogram_of(late),
    )
