"""What a report says of many users."""

from actor_oauth.bench.many_users import Took
from actor_oauth.bench.report.document import Section, Table
from actor_oauth.bench.report.races import latency_chart, milliseconds
from actor_oauth.bench.scale import ScaleReport

_TEXT = (
    "Users are put on disk, each with a grant; they are listed and backed up; a server is"
    " started on them that keeps only few in memory; refreshes are sent over 16 connections."
)
_MEBIBYTE = 1 << 20


def section_of(report: ScaleReport) -> Section:
    """Say what was found."""
    at_rest = report.at_rest
    figures = [
        ["users on disk", f"{report.users:,}"],
        ["seconds to make them, in one process", _took(at_rest.making)],
        ["bytes of files, each", f"{at_rest.bytes_each:,.0f}"],
        ["bytes of the disk's blocks, each", f"{at_rest.room_each:,.0f}"],
        ["seconds to list them", _took(at_rest.listing)],
        ["seconds to back them up, and read that again", _took(at_rest.backup)],
        ["bytes of the backup, each", _each(at_rest.backup_bytes_each)],
        ["seconds until the server answered", f"{report.start_seconds:.2f}"],
        ["its memory then, MiB", f"{report.resident_at_start / _MEBIBYTE:.0f}"],
        ["users that it keeps in memory", f"{report.cap:,}"],
    ]
    accesses = [
        [
            one.name,
            f"{one.per_second:,.0f}",
            f"{one.cpu * 1e6:,.0f}",
            milliseconds(one.latencies.quantile(0.5)),
            milliseconds(one.latencies.quantile(0.99)),
            f"{one.resident / _MEBIBYTE:.0f}",
        ]
        for one in report.accesses
    ]
    return Section(
        title="Scale",
        text=_TEXT,
        blocks=[
            Table(title="Users", columns=["what", "found"], rows=figures),
            Table(
                title="Refreshes",
                columns=[
                    "order",
                    "per second",
                    "CPU us",
                    "p50 ms",
                    "p99 ms",
                    "memory MiB",
                ],
                rows=accesses,
            ),
            latency_chart({one.name: one.latencies for one in report.accesses}),
        ],
        problems=[
            f"{one.name}: {one.asked - one.accepted} of {one.asked} were refused"
            for one in report.accesses
            if one.accepted < one.asked
        ],
    )


def _took(took: Took | None) -> str:
    if took is None:
        return "not measured"
    return f"{took.seconds:,.1f} ({took.cpu:,.1f} of CPU)"


def _each(size: float | None) -> str:
    return "not measured" if size is None else f"{size:,.0f}"
