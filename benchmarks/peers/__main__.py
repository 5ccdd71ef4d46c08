"""Measures servers of others beside this one, with the same driver on the same cores.

    (cd benchmarks/peers && npm ci)
    python -m benchmarks.peers [--seconds 5] [--connections 16] [--node node]

Every server has core 0 and the driver the others. Needs Node.js 22.5 or newer, for its
SQLite. What each does for durability stands in the table.
"""

import argparse
import shlex
import socket
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from actor_oauth.bench.asking import BenchError
from actor_oauth.bench.chance import Chance
from actor_oauth.bench.plan import Foreign, Plan
from actor_oauth.bench.races.ground import Course, Ground
from actor_oauth.bench.races.outcome import RaceReport
from actor_oauth.bench.races.run import Tell, run_race
from actor_oauth.bench.served import served
from actor_oauth.bench.throughput.run import (
    CHECK,
    REFRESH,
    Figure,
    ThroughputReport,
    measure_server,
)

HERE = Path(__file__).resolve().parent
WINDOW = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A server that is measured.

    Attributes:
        name: Of it.
        durability: What it does for that.
        foreign: How to start it; None for the provider of this package.
        grace: Its window for used refresh tokens, in seconds.
    """

    name: str
    durability: str
    foreign: Foreign | None = None
    grace: float = 0.0


def peers_of(node: str, folder: Path) -> Sequence[Peer]:
    """All of them."""
    return [
        Peer(
            name="actor_oauth",
            durability="SQLite, synced before each answer",
            grace=WINDOW,
        ),
        Peer(
            name="oidc-provider",
            durability="none: in memory",
            foreign=_oidc_provider(node, ""),
        ),
        Peer(
            name="oidc-provider on SQLite",
            durability="write-ahead log, synchronous=FULL",
            foreign=_oidc_provider(node, f"--sqlite {folder / 'oidc.sqlite'}"),
        ),
    ]


def _oidc_provider(node: str, options: str) -> Foreign:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    program = shlex.quote(str(HERE / "oidc_provider.mjs"))
    return Foreign(
        issuer=url,
        endpoints={"resource": f"{url}/bench/protected"},
        token_command=f"{shlex.quote(str(HERE / 'mint.sh'))} {url}",
        command=f"taskset -c 0 {node} {program} --port {port} {options}",
    )


@dataclass(frozen=True, slots=True)
class Row:
    """What was found of one peer."""

    peer: Peer
    race: RaceReport
    figures: ThroughputReport

    def figure(self, name: str) -> Figure | None:
        """Give the figure of what was done under this name."""
        return next((one for one in self.figures.figures if one.name == name), None)


def measure(peer: Peer, *, seconds: float, connections: int, tell: Tell) -> Row:
    """Race on a server, then put load on it."""
    plan = Plan(
        what=[],
        foreign=peer.foreign,
        seconds=seconds,
        connections=[connections],
        grace=peer.grace,
    )
    report = ThroughputReport(seconds=seconds)
    with served(plan, 1, grace=peer.grace) as server:
        ground = Ground(
            target=server.target,
            source=server.source,
            fleet=server.fleet,
            chance=Chance(1),
        )
        course = Course(racers=50, grace=peer.grace)
        race = run_race("refresh-refresh", ground, course, rounds=20, tell=tell)
    # Anew: the race's grants shall not be in the way.
    with served(plan, 1, grace=120.0) as server:
        measure_server(
            plan, server, 1, report, lambda what: tell(f"{peer.name}: {what}", 0, 1)
        )
    return Row(peer, race, report)


def render(rows: Sequence[Row], connections: int) -> Table:
    """The figures as a table for the terminal."""
    table = Table(title=f"{connections} connections; 20 races of 50 with one token")
    for heading in (
        "server",
        "durability",
        "refreshes/s",
        "p99 ms",
        "CPU us",
        "checks/s",
        "racers answered",
        "successors a race",
        "grants alive",
        "replays that ended the grant",
    ):
        table.add_column(heading)
    for row in rows:
        refresh, check, facts = row.figure(REFRESH), row.figure(CHECK), row.race.facts
        assert refresh is not None
        rounds = row.race.rounds
        table.add_row(
            row.peer.name,
            row.peer.durability,
            f"{refresh.per_second:,.0f}",
            f"{refresh.latencies.quantile(0.99) * 1000:.1f}",
            f"{1e6 * refresh.cpu_each:,.0f}",
            f"{check.per_second:,.0f}" if check else "",
            f"{facts.get('racers answered with tokens', 0)} of {50 * rounds}",
            f"{facts.get('distinct successors', 0) / rounds:g}",
            f"{facts.get('living chains', 0)} of {rounds}",
            f"{facts.get('late replays that ended the grant', 0)} of {rounds}",
        )
    return table


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.peers", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--node", default="node")
    options = parser.parse_args(arguments)
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress(console=Console(stderr=True)) as progress,
    ):
        task = progress.add_task("starting", total=1)

        def tell(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total)

        for peer in peers_of(options.node, Path(folder)):
            try:
                rows.append(
                    measure(
                        peer,
                        seconds=options.seconds,
                        connections=options.connections,
                        tell=tell,
                    )
                )
            except BenchError as error:
                print(f"{peer.name}: {error}", file=sys.stderr)
    Console(width=150).print(render(rows, options.connections))
    return 0


if __name__ == "__main__":
    sys.exit(main())
