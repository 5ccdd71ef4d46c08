"""What was found, as a page: docs/benchmarks-peers.md."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from actor_oauth.bench.races.outcome import RaceReport, Violation
from actor_oauth.bench.report.document import (
    Bars,
    Block,
    Report,
    Section,
    Table,
)
from actor_oauth.bench.report.history import offence_chart
from actor_oauth.bench.report.races import milliseconds
from actor_oauth.bench.report.render import conditions_table, to_markdown
from actor_oauth.bench.throughput.run import CHECK, REFRESH
from benchmarks.peers.catalogue import ROOT
from benchmarks.peers.measure import Effort, Finding

PAGE: Final = ROOT / "docs" / "benchmarks-peers.md"
CHARTS: Final = ROOT / "docs" / "benchmarks-peers"
BEGIN: Final = "<!-- figures: made by python -m benchmarks.peers -->"
END: Final = "<!-- /figures -->"

Column = Callable[[RaceReport], str]


def report_of(
    findings: Sequence[Finding],
    missing: Mapping[str, str],
    effort: Effort,
    conditions: Mapping[str, str],
) -> Report:
    """Say what was found.

    Args:
        findings: Of each peer that was measured.
        missing: Why others were not, by their names.
        effort: How much was done with each.
        conditions: Under which.
    """
    sections = [
        _throughput(findings, effort),
        _races(findings, effort),
        _histories(findings),
        *map(_peer, findings),
    ]
    if missing:
        rows = [list(one) for one in missing.items()]
        table = Table(title="Not run", columns=["server", "because"], rows=rows)
        sections.append(_unjudged("Not run", "", [table]))
    return Report(title="Beside others", conditions=conditions, sections=sections)


def write(report: Report) -> None:
    """Replace the figures of the page, and all its charts."""
    text = "Only ratios within one run mean anything."
    under = _unjudged("Conditions", text, [conditions_table(report.conditions)])
    text, charts = to_markdown([under, *report.sections], CHARTS.name)
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")
    CHARTS.mkdir(exist_ok=True)
    for old in CHARTS.glob("*.svg"):
        old.unlink()
    for name, drawn in charts.items():
        (CHARTS / Path(name)).write_text(drawn + "\n")


def _unjudged(title: str, text: str, blocks: Sequence[Block]) -> Section:
    return Section(title=title, text=text, blocks=blocks, problems=None)


def _throughput(findings: Sequence[Finding], effort: Effort) -> Section:
    rates = {
        one.peer.key: figure.per_second
        for one in findings
        if (figure := one.figure(REFRESH)) is not None
    }
    own = rates.get(findings[0].peer.key, 0.0) if findings else 0.0
    rows = [_rate_row(one, own) for one in findings]
    columns = ["server", "durable", "refreshes/s", "of these, actor_oauth does"]
    columns += ["p50 ms", "p99 ms", "CPU us", "failed", "checks/s"]
    title = f"{effort.connections} connections, {effort.seconds:g} s"
    bars = {name: {"refreshes": rate} for name, rate in rates.items()}
    return _unjudged(
        "Refreshes per second",
        "Each connection refreshes a chain of its own, again and again, as fast as it is"
        " answered. CPU is what all of the server's processes used for one refresh, its"
        " database's among them.",
        [
            Table(title=title, columns=columns, rows=rows),
            Bars(title="Refreshes per second", unit="/s", bars=bars),
        ],
    )


def _rate_row(finding: Finding, own: float) -> list[str]:
    refresh, check = finding.figure(REFRESH), finding.figure(CHECK)
    durable = finding.peer.durable.partition(":")[0]
    if refresh is None or not refresh.per_second:
        return [finding.peer.name, durable, *["-"] * 7]
    bad = sum(n for kind, n in refresh.kinds.items() if not kind.startswith("2"))
    return [
        finding.peer.name,
        durable,
        f"{refresh.per_second:,.0f}",
        f"{own / refresh.per_second:.2f} times as many",
        milliseconds(refresh.latencies.quantile(0.5)),
        milliseconds(refresh.latencies.quantile(0.99)),
        f"{1e6 * refresh.cpu_each:,.0f}",
        f"{bad:,}",
        f"{check.per_second:,.0f}" if check else "-",
    ]


def _fact(name: str) -> Column:
    return lambda race: f"{race.facts.get(name, 0):,}"


def _per_round(name: str) -> Column:
    return lambda race: f"{race.facts.get(name, 0) / max(1, race.rounds):.3g}"


def _wrong(what: Violation) -> Column:
    return lambda race: f"{race.violations.get(what, 0):,}"


_COLUMNS: Final[Mapping[str, Mapping[str, Column]]] = {
    "refresh-refresh": {
        "answered with tokens, a round": _per_round("racers answered with tokens"),
        "successors, a round": _per_round("distinct successors"),
        "of these dead, a round": _per_round("tokens given out that are dead"),
        "living chains, a round": _per_round("living chains"),
        "grants lost": _wrong(Violation.LOST_GRANT),
        "late replays that worked": _wrong(Violation.REPLAY_ACCEPTED),
        "that ended the grant": _fact("late replays that ended the grant"),
        "faults": _wrong(Violation.FAULT),
    },
    "refresh-revoke": {
        "accepted, a round": _per_round("accepted"),
        "sent after the end was answered": _fact("sent after the end was answered"),
        "tokens that worked after it": _wrong(Violation.STALE_ACCEPT),
        "faults": _wrong(Violation.FAULT),
    },
    "code-code": {
        "redemptions, a round": _per_round("redemptions"),
        "too many": _wrong(Violation.DOUBLE_REDEMPTION),
        "chains alive afterwards, a round": _per_round("grants alive"),
        "faults": _wrong(Violation.FAULT),
    },
}
_TITLES: Final = {
    "refresh-refresh": "Refresh against refresh",
    "refresh-revoke": "Refresh against revocation",
    "code-code": "Code against code",
}


def _races(findings: Sequence[Finding], effort: Effort) -> Section:
    blocks: list[Block] = []
    for name, columns in _COLUMNS.items():
        rows = [
            [one.peer.name, *_cells(one.races[name], columns.values())]
            for one in findings
        ]
        title = f"{_TITLES[name]}: {effort.rounds} rounds of {effort.racers}"
        blocks.append(Table(title=title, columns=["server", *columns], rows=rows))
    bars = {
        one.peer.key: {kind: float(count) for kind, count in kinds.items()}
        for one in findings
        if (kinds := one.races["refresh-refresh"].kinds.get("refresh"))
    }
    blocks.append(
        Bars(title="Refresh against refresh", unit="", bars=bars, are_kinds=True)
    )
    return _unjudged(
        "Races",
        "Requests of which at most one order is right are let go at once, each on its"
        " own connection. Afterwards every token that was given out is tried; at last the"
        " raced token is presented again, as a thief would. What is revoked is the token"
        " that all present. Where a refresh was first, some servers no longer know it,"
        " answer that it is revoked, as RFC 7009 lets them, and leave its successor alive:"
        " whoever signed out is still signed in.",
        blocks,
    )


def _cells(race: RaceReport, columns: Collection[Column]) -> list[str]:
    if race.skipped is not None:
        return ["-"] * len(columns)
    return [column(race) for column in columns]


def _histories(findings: Sequence[Finding]) -> Section:
    rows = [
        [
            one.peer.name,
            f"{one.history.grants:,}",
            f"{one.history.events:,}",
            f"{one.history.overlapping:,}",
            f"{sum(one.history.anomalies.values()):,}",
            "; ".join(f"{what} ({n})" for what, n in one.history.anomalies.items())
            or "-",
        ]
        for one in findings
    ]
    columns = ["server", "grants", "requests", "overlapping", "not explained", "why"]
    return _unjudged(
        "Histories",
        "Four clients of each grant refresh, check and revoke at random. A history is"
        " right if its requests can be put into an order, one that respects their times,"
        " in which a server that does one thing after the other would have answered so."
        " A peer is held to no more than its own promises: its grace period, and no end"
        " of the grant by a replay.",
        [Table(title="What the checker said", columns=columns, rows=rows)],
    )


def _peer(finding: Finding) -> Section:
    peer = finding.peer
    text = f"Runs on {peer.runs_on}. Durable: {peer.durable}. {peer.options}"
    if peer.by_design:
        text += f"\n\nBy design: {peer.by_design}"
    skipped = [
        f"Not run, {race.name}: {race.skipped}."
        for race in finding.races.values()
        if race.skipped is not None
    ]
    text = "\n\n".join([text, *skipped])
    offences = finding.history.offences.values()
    shortest = sorted(offences, key=lambda one: len(one.history))[:1]
    title = "The shortest history that nothing explains"
    return Section(
        title=peer.name,
        text=text,
        blocks=[replace(offence_chart(one), title=title) for one in shortest],
        problems=finding.problems,
    )
