"""Measures servers of others beside this one, with the same driver on the same cores.

    python -m benchmarks.peers [--only NAME …] [--list]

Installs what the peers need under `benchmarks/peers/servers` at the first run, prints
what it finds, and, if no peer was left out, puts it into docs/benchmarks-peers.md. Needs
npm for the peers on Node.js, and PostgreSQL's server for one of them. Nothing else should
run on the machine meanwhile.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from time import monotonic

from rich.console import Console
from rich.progress import Progress

from actor_oauth.bench.conditions import conditions
from actor_oauth.bench.races.run import Tell
from actor_oauth.bench.report.render import to_html, to_terminal
from benchmarks.peers.catalogue import Peer, peers
from benchmarks.peers.measure import Effort, Finding, try_to_measure
from benchmarks.peers.page import report_of, write

QUIET = 0.5
"""Programs that run already, on average over a minute, at most."""
BEWARE = (
    "other programs kept the machine busy: outcomes of races and histories hold, rates"
    " and latencies mean nothing"
)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[])
    parser.add_argument("--list", action="store_true", help="the names, and no more")
    parser.add_argument("--racers", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--grants", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--html", metavar="FILE", type=argparse.FileType("w"))
    return parser.parse_args(arguments)


def measured(
    chosen: Sequence[Peer], effort: Effort, tell: Tell, say: Callable[[str], None]
) -> tuple[list[Finding], dict[str, str]]:
    """Measure peers one after the other.

    Args:
        chosen: Which.
        effort: How much.
        tell: Told of progress.
        say: Told how long each peer took.

    Returns:
        What was found, and why of others nothing was, by their names.
    """
    findings: list[Finding] = []
    missing: dict[str, str] = {}
    for peer in chosen:
        began = monotonic()
        found = try_to_measure(peer, effort, tell)
        say(f"{peer.name}: {monotonic() - began:.0f} s")
        if isinstance(found, Finding):
            findings.append(found)
        else:
            missing[peer.name] = found
    return findings, missing


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and write."""
    options = parse(arguments)
    known = {peer.key: peer for peer in peers()}
    if options.list:
        for peer in known.values():
            print(f"{peer.key}: {peer.name}")
        return 0
    effort = Effort(
        racers=options.racers,
        rounds=options.rounds,
        grants=options.grants,
        seconds=options.seconds,
        connections=options.connections,
    )
    told = conditions("the servers below, one after the other")
    if os.getloadavg()[0] > QUIET:
        told["beware"] = BEWARE
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("starting", total=1)

        def tell(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total)

        chosen = [known[name] for name in options.only or known]
        findings, missing = measured(chosen, effort, tell, progress.console.print)
    report = report_of(findings, missing, effort, told)
    Console(width=180).print(to_terminal(report))
    if options.html:
        options.html.write(to_html(report))
    if not options.only:
        write(report)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
