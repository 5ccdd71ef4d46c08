"""Runs the instrument, and puts what it finds into docs/benchmarks.md.

    python -m benchmarks.document [--seconds 2] [--passes 3] [--users 10000]
    python -m benchmarks.document --million DIR

Takes some twenty minutes. Nothing else should run on the machine meanwhile. The second one
measures nothing but access to the users that `actor-oauth bench scale --data DIR` has made,
takes four minutes at most, and rewrites the part of the page on a million users only.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from time import monotonic

from rich.console import Console
from rich.progress import Progress

from actor_oauth.bench.many_users import count_in
from actor_oauth.bench.plan import Plan, What
from actor_oauth.bench.report.document import Report, Section, Table
from actor_oauth.bench.report.render import conditions_table, to_markdown
from actor_oauth.bench.run import run_plan
from benchmarks.goals import goals_section

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
CHARTS = ROOT / "docs" / "benchmarks"
BEGIN = "<!-- figures: made by python -m benchmarks.document -->"
END = "<!-- /figures -->"
BEGIN_MILLION = (
    "<!-- a million users: made by python -m benchmarks.document --million DIR -->"
)
END_MILLION = "<!-- /a million users -->"

# Of all charts, those that say something to a reader who has not asked.
_SHOWN = (
    "Outcomes by kind",
    "One round of refresh-refresh",
    "Done per second",
    "Latency",
)


def parse(arguments: list[str] | None) -> Plan:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.document", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--grants", type=int, default=64)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--what", nargs="+", type=What, default=list(What))
    parser.add_argument("--million", type=Path, metavar="DIR")
    options = parser.parse_args(arguments)
    if options.million is not None:
        return Plan(
            what=[What.SCALE], data=options.million, users=count_in(options.million)
        )
    return Plan(
        what=options.what,
        workers=[1, 2],
        racers=[50, 2, 500],
        jitters=[0.0, 0.1],
        rounds=options.rounds,
        grants=options.grants,
        kills=options.kills,
        seconds=options.seconds,
        passes=options.passes,
        users=options.users,
    )


def write(report: Report, goals: Section, seconds: float) -> None:
    """Replace the figures of the page, and all its charts.

    Args:
        report: What was measured.
        goals: What of it was wanted.
        seconds: That it took.
    """
    under = Section(
        title="Under which conditions",
        text="Only ratios within one run mean anything. This one took"
        f" {seconds / 60:.0f} minutes.",
        blocks=[conditions_table(report.conditions)],
        problems=None,
    )
    sections = [goals, under, *(_shortened(section) for section in report.sections)]
    text, charts = to_markdown(sections, CHARTS.name)
    _replace(BEGIN, text, END)
    CHARTS.mkdir(exist_ok=True)
    for old in CHARTS.glob("*.svg"):
        old.unlink()
    for name, drawn in charts.items():
        (CHARTS / name).write_text(drawn + "\n")


def write_million(report: Report, goals: Section) -> None:
    """Replace what the page says of a million users; see `write`."""
    (scale,) = report.sections
    blocks = [*scale.blocks, *goals.blocks, conditions_table(report.conditions)]
    tables = [block for block in blocks if isinstance(block, Table)]
    section = replace(scale, title="A million users", blocks=tables)
    _replace(BEGIN_MILLION, to_markdown([section], CHARTS.name)[0], END_MILLION)


def _replace(begin: str, text: str, end: str) -> None:
    """Put a text between two marks of the page."""
    before, _, rest = PAGE.read_text().partition(begin)
    after = rest.partition(end)[2]
    PAGE.write_text(f"{before}{begin}\n\n{text}\n{end}{after}")


def _shortened(section: Section) -> Section:
    return replace(
        section,
        blocks=[
            block
            for block in section.blocks
            if isinstance(block, Table) or block.title.startswith(_SHOWN)
        ],
    )


def main(arguments: list[str] | None = None) -> int:
    """Measure and write; the exit code is 1 if anything wrong was found."""
    plan = parse(arguments)
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("starting", total=1)

        def tell(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total)

        begun = monotonic()
        report, raw = run_plan(plan, tell)
    if plan.data is None:
        write(report, goals_section(raw), monotonic() - begun)
    else:
        write_million(report, goals_section(raw, measured_only=True))
    for problem in report.problems:
        print(problem, file=sys.stderr)
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
