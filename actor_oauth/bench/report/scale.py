"""What a report says of many users."""

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
    figures = [
        ["users on disk", f"{report.users:,}"],
        ["made per second, in one process", f"{report.made_per_second:,.0f}"],
        ["bytes of files, each", f"{report.bytes_each:,.0f}"],
        ["bytes of the disk's blocks, each", f"{report.room_each:,.0f}"],
        ["seconds to list them", f"{report.list_seconds:.1f}"],
        ["seconds to back them up", f"{report.backup_seconds:.1f}"],
        ["bytes of the backup, each", f"{report.backup_bytes_each:,.0f}"],
        ["seconds until the server answered", f"{report.start_seconds:.2f}"],
        ["its memory then, MiB", f"{report.resident_at_start / _MEBIBYTE:.0f}"],
        ["users that it keeps in memory", f"{report.cap:,}"],
    ]
    accesses = [
        [
            one.name,
            f"{one.per_second:,.0f}",
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
                columns=["order", "per second", "p50 ms", "p99 ms", "memory MiB"],
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
