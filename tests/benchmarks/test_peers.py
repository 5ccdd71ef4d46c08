"""What is found of other servers, as a report; measuring them takes them."""

from collections import Counter

import pytest

from actor_oauth.bench.histogram import Histogram
from actor_oauth.bench.history.judge import HistoryReport, Offence, Shown
from actor_oauth.bench.history.model import Anomaly
from actor_oauth.bench.races.outcome import RaceReport, Violation
from actor_oauth.bench.report.document import Bars, Report, Section, Table, Timeline
from actor_oauth.bench.report.render import to_html, to_markdown
from actor_oauth.bench.throughput.run import CHECK, REFRESH, Figure
from benchmarks.peers import __main__ as command
from benchmarks.peers.catalogue import Peer, peers
from benchmarks.peers.measure import RACES, Effort, Finding
from benchmarks.peers.page import report_of

EFFORT = Effort(racers=50, rounds=2, grants=4, seconds=1.0, connections=16)
SHOWN = Shown("refresh 1", "given 2", 0.0, 0.1)


def latencies() -> Histogram:
    histogram = Histogram()
    histogram.add(0.01)
    return histogram


def rate(name: str, per_second: float) -> Figure:
    figure = Figure(name=name, workers=1, connections=16, latencies=latencies())
    figure.rates.append(per_second)
    return figure


def finding(
    name: str, *, per_second: float, race: RaceReport, history: HistoryReport
) -> Finding:
    peer = Peer(key=name, name=name, runs_on="rails", durable="yes: paper", options="-")
    races = dict.fromkeys(RACES, race)
    figures = [rate(REFRESH, per_second), rate(CHECK, 10.0)]
    return Finding(peer=peer, races=races, history=history, figures=figures)


def report() -> Report:
    good = RaceReport(name="refresh-refresh", what="", rounds=2)
    forking = RaceReport(
        name="refresh-refresh",
        what="",
        rounds=2,
        kinds={"refresh": {"200": 100}},
        facts={"distinct successors": 100, "living chains": 16},
        violations={Violation.FORK: 2},
    )
    offence = Offence(anomaly=Anomaly.FORK, culprit=SHOWN, history=[SHOWN])
    bad = HistoryReport(
        grants=4,
        anomalies=Counter({Anomaly.FORK: 3}),
        offences={Anomaly.FORK: offence},
    )
    found = [
        finding("ours", per_second=200.0, race=good, history=HistoryReport(grants=4)),
        finding("theirs", per_second=50.0, race=forking, history=bad),
        finding(
            "without",
            per_second=0.0,
            race=RaceReport(name="refresh-revoke", what="", skipped="no endpoint"),
            history=HistoryReport(grants=4),
        ),
    ]
    return report_of(found, {"absent": "no npm"}, EFFORT, {"machine": "this"})


def section(title: str) -> Section:
    return next(one for one in report().sections if one.title == title)


def rows(table: object) -> dict[str, list[str]]:
    assert isinstance(table, Table)
    return {row[0]: list(row[1:]) for row in table.rows}


def test_each_server_stands_beside_this_one() -> None:
    table, bars = section("Refreshes per second").blocks
    rates = rows(table)
    assert rates["theirs"][:3] == ["yes", "50", "4.00 times as many"]
    assert rates["without"][1:] == ["-"] * 7
    assert isinstance(bars, Bars)
    assert bars.bars["theirs"] == {"refreshes": 50.0}


def test_races_and_histories_are_told_of_each_server() -> None:
    refreshes = rows(section("Races").blocks[0])
    assert refreshes["theirs"][1:4] == ["50", "0", "8"]
    assert refreshes["without"] == ["-"] * 8
    [histories] = section("Histories").blocks
    assert rows(histories)["theirs"][-1] == f"{Anomaly.FORK} (3)"


def test_what_is_wrong_with_a_server_stands_in_its_section() -> None:
    theirs = section("theirs")
    assert theirs.problems is not None
    assert f"histories: {Anomaly.FORK} (3 of 4 grants)" in theirs.problems
    assert isinstance(theirs.blocks[0], Timeline)
    assert section("ours").problems == []
    assert "no endpoint" in section("without").text
    assert rows(section("Not run").blocks[0]) == {"absent": ["no npm"]}


def test_only_what_was_judged_is_called_right_or_wrong() -> None:
    html, (markdown, charts) = to_html(report()), to_markdown(report().sections, "x")
    assert html.count("Nothing wrong was found.") == 2
    assert markdown.count("Nothing wrong was found.") == 2
    assert any(name.startswith("theirs") for name in charts)


def test_servers_have_names_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == len({peer.key for peer in peers()}) > 8
    assert listed[0].startswith("actor-oauth: ")
