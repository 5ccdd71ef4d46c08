"""The simulation of late reuse: small, and only what must be so whatever the figures."""

from pathlib import Path

import pytest

from actor_oauth.oauth.refresh_reuse import RefreshRules
from benchmarks.reuse.cases import LINES, REJECT, REVOKE, SAME
from benchmarks.reuse.measure import Case, Effort, measure
from benchmarks.reuse.plot import Axis, Point, scatter
from benchmarks.reuse.report import BEGIN, DOCS, END, write
from benchmarks.reuse.world import DAY

SMALL = Effort(fleets=8, days=10, seed=3)


@pytest.mark.requirement("D-28")
def test_strict_windows_notice_every_thief_whose_victim_comes_back() -> None:
    figures = measure(Case(name="", rules=REVOKE, habit="caches"), SMALL)
    assert figures.sign_ins > 0
    assert figures.thefts["first"].noticed == 1
    assert figures.thefts["in step"].noticed == 1


@pytest.mark.requirement("D-28")
def test_rejecting_costs_programs_that_read_their_store_no_sign_in() -> None:
    calm = Case(name="", rules=RefreshRules(reuse=REJECT.reuse, contest=0))
    for habit in ("reads", "caches"):
        figures = measure(
            Case(name="", rules=calm.rules, habit=habit, sharing="shared", slept=0),
            SMALL,
            plans=(),
        )
        assert figures.sign_ins == 0


@pytest.mark.requirement("D-28")
def test_a_contest_puts_an_end_to_what_a_thief_gets() -> None:
    contested = measure(Case(name="", rules=REJECT), SMALL, plans=("first",))
    forever = measure(
        Case(name="", rules=RefreshRules(reuse=REJECT.reuse, contest=0)),
        SMALL,
        plans=("first",),
    )
    limited = contested.thefts["first"].access_hours
    assert limited < forever.thefts["first"].access_hours


@pytest.mark.requirement("D-21", "D-28", "F-09")
def test_bound_tokens_log_nobody_out_and_give_a_thief_nothing() -> None:
    figures = measure(Case(name="", rules=SAME, bound=True), SMALL)
    assert figures.sign_ins == 0
    for theft in figures.thefts.values():
        # At most what was left of the access token that was copied too.
        assert theft.access_hours <= 1


def test_forgiving_everything_notices_nobody() -> None:
    rules = RefreshRules(grace=30 * DAY)
    figures = measure(Case(name="", rules=rules), SMALL, plans=("in step",))
    assert figures.sign_ins == 0
    assert figures.thefts["in step"].noticed == 0
    assert figures.thefts["in step"].hours_to_alarm is None


def test_the_same_seed_gives_the_same_figures() -> None:
    case = Case(name="", rules=REJECT)
    tiny = Effort(fleets=3, days=6, seed=5)
    assert measure(case, tiny) == measure(case, tiny)


def test_the_page_gets_tables_and_plots(tmp_path: Path) -> None:
    page = tmp_path / "refresh-reuse.md"
    page.write_text(f"before {BEGIN} old {END} after")
    figures = {
        "one & only": [
            measure(Case(name="x", rules=SAME), Effort(fleets=1, days=3, seed=1))
        ]
    }
    write(tmp_path, figures, figures, figures)
    text = page.read_text()
    assert "| one & only: x |" in text
    assert text.startswith("before")
    assert text.endswith("after")
    assert "old" not in text
    svg = (tmp_path / "plots" / "reuse-access.svg").read_text()
    assert "one &amp; only" in svg


def test_the_committed_page_has_figures_of_every_policy() -> None:
    text = (DOCS / "refresh-reuse.md").read_text()
    for name in LINES:
        assert f"| {name}" in text


def test_a_plot_keeps_its_points_on_the_paper() -> None:
    axis = Axis(title="x", ticks=(1, 10, 100), is_log=True)
    points = [Point(x=0.001, y=5), Point(x=1e9, y=100, label="far")]
    assert [axis.share(point.x) for point in points] == [0, 1]
    assert scatter("t", axis, axis, {"p": points}).count("<circle") == 3
