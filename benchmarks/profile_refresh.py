"""Where the time of a durable refresh goes: a statistical profile of the whole server.

    taskset -c 0 python -m benchmarks.profile_refresh [--seconds 10] [--connections 16]

The server runs in this process, under load from the driver in another one. A timer that
counts CPU time interrupts it as often as the kernel ticks; each time the running function
gets a mark, and every function that waits for it one of the other kind. So unlike a
tracing profiler it costs next to nothing, and small functions do not look expensive.
"""

import argparse
import signal
import sys
import sysconfig
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

import trio
from rich.console import Console
from rich.table import Table

from actor_oauth.bench.fleet import open_fleet
from actor_oauth.bench.helper_grants import open_helper
from actor_oauth.bench.target import Credentials, Endpoints, Grant, Target
from actor_oauth.bench.throughput.load import Job, Kind, Result, run_load
from actor_oauth.config import Settings
from actor_oauth.provider import Provider
from actor_oauth.provider.listening import bind
from actor_oauth.runtime import SystemEntropy

_INTERVAL = 0.001
_OUTERMOST = 0.8
_ROOTS = (
    sysconfig.get_path("purelib") + "/",
    sysconfig.get_path("stdlib") + "/",
    str(Path(__file__).parent.parent) + "/",
)


class Sampler:
    """Counts where the main thread is, while the process uses CPU.

    Attributes:
        itself: Marks of the function that ran, by function.
        below: Marks of every function that ran or waited for one that ran.
        layers: Marks by the layer or library of the function that ran.
        samples: All marks.
    """

    def __init__(self) -> None:
        self.itself: Counter[str] = Counter()
        self.below: Counter[str] = Counter()
        self.layers: Counter[str] = Counter()
        self.samples = 0

    def __enter__(self) -> Self:
        signal.signal(signal.SIGPROF, self._take)
        signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _take(self, _signal: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        self.samples += 1
        self.itself[_name(frame)] += 1
        self.layers[_layer(frame)] += 1
        seen = set()
        while frame is not None:
            seen.add(_name(frame))
            frame = frame.f_back
        self.below.update(seen)


def _path(frame: FrameType) -> str:
    path = frame.f_code.co_filename
    for root in _ROOTS:
        path = path.removeprefix(root)
    return path


def _name(frame: FrameType) -> str:
    return f"{_path(frame)}:{frame.f_code.co_qualname}"


def _layer(frame: FrameType) -> str:
    parts = _path(frame).split("/")
    return "/".join(parts[:2]) if parts[0] == "actor_oauth" else parts[0]


async def profile(
    data: Path, *, seconds: float, connections: int
) -> tuple[Sampler, Result]:
    """Serve, put load on it, and look.

    Args:
        data: An empty directory.
        seconds: How long.
        connections: Each refreshes a grant of its own user.
    """
    fd, settings = bind(Settings(data=data, port=0))
    provider = Provider(settings)
    listening = trio.Event()
    sampler = Sampler()
    async with trio.open_nursery() as nursery:
        serve = partial(provider.serve, fd=fd, announce=lambda _issuer: listening.set())
        nursery.start_soon(serve)
        await listening.wait()
        job = Job(
            kind=Kind.REFRESH,
            seconds=seconds,
            connections=connections,
            target=Target(Endpoints(token=f"{settings.issuer}/token")),
            grants=await _make_grants(settings, connections),
        )
        with sampler:
            result = await trio.to_thread.run_sync(_drive, job)
        nursery.cancel_scope.cancel()
    return sampler, result


async def _make_grants(settings: Settings, count: int) -> list[Grant]:
    async with Provider(settings).open() as beside:
        helper = await open_helper(beside.server, SystemEntropy())
        client = Credentials(client_id=helper.client_id)
        made = [await helper.grant(f"user{number}") for number in range(count)]
    return [Grant(client=client, refresh_token=one.refresh_token or "") for one in made]


def _drive(job: Job) -> Result:
    with open_fleet(cores=[1]) as fleet:
        return fleet.run(run_load, job)


def render(title: str, counts: Counter[str], samples: int, top: int) -> Table:
    """The most frequent of the counted things, as shares of all samples."""
    table = Table(title=title)
    table.add_column("share", justify="right")
    table.add_column("where")
    for name, count in counts.most_common(top):
        table.add_row(f"{count / max(samples, 1):.1%}", name)
    return table


def main(arguments: list[str] | None = None) -> int:
    """Profile and print; the exit code is 1 if anything was answered but 200."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.profile_refresh", description=__doc__
    )
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--top", type=int, default=10)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as data:
        sampler, result = trio.run(
            partial(
                profile,
                Path(data),
                seconds=options.seconds,
                connections=options.connections,
            )
        )
    console = Console(width=110)
    # What nearly every sample is below is the event loop and this program.
    below = Counter(
        {k: n for k, n in sampler.below.items() if n < sampler.samples * _OUTERMOST}
    )
    for title, counts, top in (
        ("by layer and library (itself)", sampler.layers, options.top),
        ("functions (itself)", sampler.itself, options.top),
        ("functions (with what they call)", below, 3 * options.top),
    ):
        console.print(render(title, counts, sampler.samples, top))
    rate = result.good / options.seconds
    console.print(f"{rate:,.0f} refreshes per second, {dict(result.kinds)}")
    return 0 if list(result.kinds) == ["200"] else 1


if __name__ == "__main__":
    sys.exit(main())
