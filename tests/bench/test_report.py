"""Reports: charts that any reader of XML can read, and pages that load nothing."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from actor_oauth.bench.histogram import Histogram, histogram_of
from actor_oauth.bench.report import svg
from actor_oauth.bench.report.document import (
    Bars,
    Lines,
    Report,
    Section,
    Span,
    Table,
    Timeline,
)
from actor_oauth.bench.report.races import latency_chart
from actor_oauth.bench.report.raw import to_plain
from actor_oauth.bench.report.render import to_html, to_markdown, to_terminal

CURVES = Lines(
    title="a < b",
    x_label="x",
    y_label="y",
    series={"one & two": [(1, 10), (2, 1000)], "none": []},
    log_x=True,
    log_y=True,
)
BARS = Bars(title="bars", unit="s", bars={"a": {"200": 3, "400 x": 1}}, are_kinds=True)
TIMES = Timeline(
    title="times",
    spans=[
        Span("refresh", "200", 0, 0.1),
        Span("refresh", "no answer", 0, 0.2),
        Span("revoke", "400", 0, 0),
    ],
)
TABLE = Table(title="t", columns=["what", "n"], rows=[["<a>|", "1"]])
SECTION = Section(title="S", text="Why.", blocks=[TABLE, CURVES, BARS, TIMES])
FAILED = Section(title="F", text="Why not.", problems=["it is <wrong>"])
REPORT = Report(title="R", conditions={"a": "<b>"}, sections=[SECTION, FAILED])


@pytest.mark.parametrize(
    "drawn",
    [
        svg.lines(CURVES),
        svg.bars(BARS),
        svg.timeline(TIMES),
        svg.lines(Lines(title="", x_label="", y_label="", series={})),
        svg.bars(Bars(title="", unit="", bars={})),
        svg.timeline(Timeline(title="", spans=[])),
        svg.lines(latency_chart({"a": histogram_of([0.001, 0.002, 0.5])})),
    ],
)
def test_a_chart_is_well_formed_and_loads_nothing(drawn: str) -> None:
    root = ET.fromstring(drawn)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "href" not in drawn
    assert "nan" not in drawn


def test_kinds_of_answers_have_their_own_colours() -> None:
    kinds = ("200", "400 invalid_grant", "500")
    assert len({svg.colour_of_kind(kind) for kind in kinds}) == 3
    assert svg.colour_of_kind("no answer") == svg.colour_of_kind("500")


def test_a_page_escapes_what_it_shows_and_says_what_is_wrong() -> None:
    page = to_html(REPORT)
    assert "&lt;a&gt;" in page
    assert "it is &lt;wrong&gt;" in page
    assert "<script" not in page
    assert page.count("<svg") == 3


def test_details_are_shown_only_to_readers_who_open_them() -> None:
    section = Section(title="s", text="", blocks=[replace(TABLE, is_detail=True)])
    report = Report(title="r", conditions={}, sections=[section])
    assert "<details><summary>t</summary><table><thead>" in to_html(report)
    text, _ = to_markdown([section], "bench")
    assert "<details><summary>t</summary>\n\n| what | n |" in text
    assert text.rstrip().endswith("</details>")


def test_markdown_has_its_charts_beside_it() -> None:
    text, charts = to_markdown(REPORT.sections, "bench")
    assert len(charts) == 3
    assert all(f"](bench/{name})" in text for name in charts)
    assert "| <a>\\| | 1 |" in text
    assert "**it is <wrong>**" in text


def test_a_terminal_shows_tables_and_problems() -> None:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(to_terminal(REPORT))
    assert "it is <wrong>" in capture.get()
    assert REPORT.problems == ["F: it is <wrong>"]


@given(st.lists(st.floats(1e-6, 100), min_size=1), st.floats(0, 1))
def test_a_quantile_is_right_to_a_few_per_cent(
    seconds: list[float], share: float
) -> None:
    found = histogram_of(seconds).quantile(share)
    ordered = sorted(seconds)
    exact = ordered[max(0, ceil(len(ordered) * share) - 1)]
    assert exact / 1.05 <= found <= exact * 1.05


def test_histograms_add_up() -> None:
    one, two = histogram_of([0.0, 0.1]), histogram_of([0.1])
    one.merge(two)
    assert one.total == 3
    assert Histogram(one.counts).quantile(1) == one.quantile(1)
    assert Histogram().quantile(0.5) == 0.0


def test_everything_found_is_plain_json() -> None:
    plain = to_plain({"a": [REPORT.sections[1], histogram_of([0.1]), None, 1.5, True]})
    assert isinstance(plain, dict)
    found = plain["a"]
    assert isinstance(found, list)
    assert found[2:] == [None, 1.5, True]
    assert isinstance(found[0], dict)
    assert found[0]["title"] == "F"
    assert isinstance(found[1], dict)
    assert found[1]["count"] == 1
