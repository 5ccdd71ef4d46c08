"""How fast: durable refreshes and access checks, in relation to servers that do nothing.

    python -m benchmarks.throughput [--seconds 10] [--connections 16] [--json] [--small]

Everything runs in one go on one machine, each server alone on core 0 and the load driver
on core 1, so that the ratios hold where the absolute figures do not. Every connection
refreshes a grant of a user of its own, as many people do; what is answered is on disk.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import trio
from rich.console import Console
from rich.table import Table

from actor_oauth.config import Settings
from benchmarks.grants import make_grants
from benchmarks.load import LoadFigures, Plan
from benchmarks.processes import run_load, started

SERVER_CORE = 0
DRIVER_CORE = 1
# About as long as the form of a refresh.
_BODY = "x" * 230


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is measured.

    Attributes:
        seconds: Of each measurement.
        connections: Kept busy at once.
    """

    seconds: float
    connections: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One line of the report; ratios are shares of the two echo servers' figures."""

    name: str
    figures: LoadFigures
    of_asgi: float
    of_quart: float


def _measure_echo(kind: str, scale: Scale) -> LoadFigures:
    with started(["benchmarks.echo", kind], core=SERVER_CORE) as url:
        return run_load(
            Plan(
                url=f"{url}/",
                seconds=scale.seconds,
                connections=scale.connections,
                method="POST",
                body=_BODY,
            ),
            core=DRIVER_CORE,
        )


@contextmanager
def _provider(module: list[str]) -> Iterator[Settings]:
    with tempfile.TemporaryDirectory() as data:
        arguments = [*module, "--data", data]
        with started(arguments, core=SERVER_CORE) as issuer:
            yield Settings(data=Path(data), issuer=issuer)


def _measure_refresh(scale: Scale) -> LoadFigures:
    with _provider(["actor_oauth", "serve", "--port", "0"]) as settings:
        client_id, tokens = trio.run(make_grants, settings, scale.connections)
        return run_load(
            Plan(
                url=f"{settings.issuer}/token",
                seconds=scale.seconds,
                client_id=client_id,
                refresh_tokens=[one.refresh_token for one in tokens],
            ),
            core=DRIVER_CORE,
        )


def _measure_check(scale: Scale) -> LoadFigures:
    with _provider(["benchmarks.guarded"]) as settings:
        _, tokens = trio.run(make_grants, settings, 1)
        return run_load(
            Plan(
                url=f"{settings.issuer}/mcp",
                seconds=scale.seconds,
                connections=scale.connections,
                headers={"Authorization": f"Bearer {tokens[0].access_token}"},
            ),
            core=DRIVER_CORE,
        )


_MEASUREMENTS: tuple[tuple[str, Callable[[Scale], LoadFigures]], ...] = (
    ("load driver's ceiling", lambda scale: _measure_echo("canned", scale)),
    ("bare ASGI echo", lambda scale: _measure_echo("asgi", scale)),
    ("bare Quart-Trio echo", lambda scale: _measure_echo("quart", scale)),
    ("durable refresh", _measure_refresh),
    ("access check through the guard", _measure_check),
)


def measure_all(scale: Scale, console: Console) -> list[Measurement]:
    """Measure one after the other.

    Args:
        scale: How much.
        console: Where progress is told.
    """
    figures: dict[str, LoadFigures] = {}
    for name, measure in _MEASUREMENTS:
        with console.status(name):
            figures[name] = measure(scale)
    asgi = figures["bare ASGI echo"].per_second
    quart = figures["bare Quart-Trio echo"].per_second
    return [
        Measurement(
            name=name,
            figures=found,
            of_asgi=round(found.per_second / asgi, 2),
            of_quart=round(found.per_second / quart, 2),
        )
        for name, found in figures.items()
    ]


def only_good_answers(measurements: list[Measurement]) -> bool:
    """Whether every request was answered 200, without which figures mean nothing."""
    return all(
        list(measurement.figures.answers) == ["200"] for measurement in measurements
    )


def render(measurements: list[Measurement], scale: Scale) -> Table:
    """The figures as a table for the terminal."""
    table = Table(
        title=f"{scale.connections} connections, {scale.seconds:g} s each, one core"
    )
    table.add_column("what")
    columns = ("per second", "p50 ms", "p99 ms", "of ASGI", "of Quart", "driver CPU")
    for heading in columns:
        table.add_column(heading, justify="right")
    for line in measurements:
        table.add_row(
            line.name,
            f"{line.figures.per_second:,.0f}",
            f"{line.figures.p50:.1f}",
            f"{line.figures.p99:.1f}",
            f"{line.of_asgi:.2f}",
            f"{line.of_quart:.2f}",
            f"{line.figures.cpu_share:.0%}",
        )
    return table


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; the exit code is 1 if anything was answered but 200."""
    parser = argparse.ArgumentParser(prog="benchmarks.throughput", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--small", action="store_true", help="a second each, for tests")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    scale = Scale(
        seconds=1.0 if options.small else options.seconds,
        connections=options.connections,
    )
    measurements = measure_all(scale, Console(stderr=True))
    if options.json:
        print(json.dumps([asdict(one) for one in measurements], indent=2))
    else:
        Console(width=110).print(render(measurements, scale))
    good = only_good_answers(measurements)
    if not good:
        answers = {one.name: one.figures.answers for one in measurements}
        print(f"not everything was answered 200: {answers}", file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
