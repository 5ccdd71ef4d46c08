"""The report: tables in the docs page, and the plots beside it."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.reuse.cases import BY_HABIT, BY_PATIENCE, LINES, PATIENCE
from benchmarks.reuse.measure import HABITS, Effort, Figures, Theft, measure
from benchmarks.reuse.plot import Axis, Point, scatter
from benchmarks.reuse.thief import PLANS

DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- figures -->", "<!-- /figures -->"

Results = Mapping[str, Sequence[Figures]]

SIGN_INS = Axis(
    title="false logouts for 1,000 session-days without a thief",
    ticks=(0, 50, 100, 150, 200, 250, 300),
)
HOURS: Sequence[float] = (0.1, 0.3, 1, 3, 10, 30, 100, 500)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m benchmarks.reuse`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reuse")
    parser.add_argument("--fleets", type=int, default=120, help="of each kind")
    parser.add_argument("--days", type=int, default=20, help="of their lives")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=DOCS, help="the folder of the page")
    given = parser.parse_args(arguments)
    effort = Effort(fleets=given.fleets, days=given.days, seed=given.seed)
    results, by_habit, by_patience = simulate(effort)
    write(given.out, results, by_habit, by_patience)
    return 0


def simulate(effort: Effort) -> tuple[Results, Results, Results]:
    """Simulate everything, on all cores."""
    with ProcessPoolExecutor() as pool:
        groups = [
            {
                name: [
                    pool.submit(measure, case, effort, plans=plans) for case in cases
                ]
                for name, cases in group.items()
            }
            for group, plans in (
                (LINES, PLANS),
                (BY_HABIT, ()),
                (BY_PATIENCE, ("first",)),
            )
        ]
        lines, habits, patience = (
            {name: [job.result() for job in jobs] for name, jobs in group.items()}
            for group in groups
        )
    return lines, habits, patience


def write(
    folder: Path, results: Results, by_habit: Results, by_patience: Results
) -> None:
    """Write the plots, and the tables into the page."""
    plots = folder / "plots"
    plots.mkdir(exist_ok=True)
    (plots / "reuse-access.svg").write_text(_access(results))
    (plots / "reuse-alarm.svg").write_text(_alarm(results))
    page = folder / "refresh-reuse.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    tables = "\n\n".join([_table(results), _habits(by_habit), _patience(by_patience)])
    page.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}")


def _access(results: Results) -> str:
    return scatter(
        "What a thief gets who refreshes first",
        SIGN_INS,
        Axis(title="hours of access, median", ticks=HOURS, is_log=True),
        _points(results, lambda found: found.thefts["first"].access_hours),
    )


def _alarm(results: Results) -> str:
    # What nobody ever noticed stands at the upper edge.
    return scatter(
        "How soon a thief who refreshes in step with the owner is noticed",
        SIGN_INS,
        Axis(title="hours to the alarm, median", ticks=HOURS, is_log=True),
        _points(
            results,
            lambda found: found.thefts["in step"].hours_to_alarm or HOURS[-1],
        ),
    )


def _points(
    results: Results, y: Callable[[Figures], float]
) -> Mapping[str, Sequence[Point]]:
    return {
        name: [
            Point(x=found.sign_ins, y=y(found), label=found.case.name)
            for found in figures
        ]
        for name, figures in results.items()
    }


def _table(results: Results) -> str:
    columns = [f"`{plan}`: {what}" for plan in PLANS for what in ("alarm", "access")]
    rows = [
        "| policy | false logouts | " + " | ".join(columns) + " |",
        "|---" * (2 + len(columns)) + "|",
    ]
    for name, figures in results.items():
        for found in figures:
            title = f"{name}: {found.case.name}" if found.case.name else name
            cells = [cell for plan in PLANS for cell in _cells(found.thefts[plan])]
            rows.append(f"| {title} | {found.sign_ins:.0f} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _cells(theft: Theft) -> tuple[str, str]:
    alarm = "never"
    if theft.hours_to_alarm is not None:
        alarm = f"{theft.hours_to_alarm:.1f} h ({theft.noticed:.0%})"
    return alarm, f"{theft.access_hours:.1f} h ({theft.access_hours_worst:.0f})"


def _habits(by_habit: Results) -> str:
    rows = [
        "| false logouts, if every program | " + " | ".join(HABITS) + " |",
        "|---" * (1 + len(HABITS)) + "|",
    ]
    for name, figures in by_habit.items():
        cells = [f"{found.sign_ins:.0f}" for found in figures]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _patience(by_patience: Results) -> str:
    times = [f"{times:g}" for times in PATIENCE]
    rows = [
        "| access of `first`, in hours, if users take times as long | "
        + " | ".join(times)
        + " |",
        "|---" * (1 + len(times)) + "|",
    ]
    for name, figures in by_patience.items():
        cells = [f"{found.thefts['first'].access_hours:.1f}" for found in figures]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)
