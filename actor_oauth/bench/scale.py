"""What many users cost who are only on disk: room, memory, and the first request of each."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Final

from actor_oauth.bench.chance import Chance
from actor_oauth.bench.fleet import open_fleet, tick
from actor_oauth.bench.histogram import Histogram
from actor_oauth.bench.http import Request
from actor_oauth.bench.loop import Loop, Script
from actor_oauth.bench.make_users import made_in
from actor_oauth.bench.own_server import own_server, own_settings
from actor_oauth.bench.plan import Plan, divide_cores
from actor_oauth.bench.target import Credentials
from actor_oauth.bench.throughput.cpu import resident_bytes
from actor_oauth.oauth.tokens import TokenKind
from actor_oauth.runtime import RuntimeLimits

_SAMPLE: Final = 5_000
_CONNECTIONS: Final = 16
# Tokens are presented again and again, for as long as it takes.
_GRACE: Final = 3000
_CAP: Final = RuntimeLimits().max_activations
_REFRESH: Final = TokenKind.REFRESH
_BLOCK: Final = 512
_EXPONENT: Final = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Users who were asked for in some order.

    Attributes:
        name: Of the order.
        per_second: Refreshes, or checks.
        latencies: Of them.
        accepted: How many were answered with 200.
        asked: How many there were.
        resident: Memory of the server afterwards, in bytes.
    """

    name: str
    per_second: float
    latencies: Histogram
    accepted: int
    asked: int
    resident: int


@dataclass(slots=True, kw_only=True)
class ScaleReport:
    """What was found.

    Attributes:
        users: On disk.
        made_per_second: While they were made.
        bytes_each: Of a user's files, on average.
        room_each: Of the disk's blocks, likewise.
        list_seconds: Until all were listed by the command line.
        backup_seconds: Until all were backed up, and the backup read again.
        backup_bytes_each: Of the backup, for each user.
        start_seconds: Until the server accepted connections.
        resident_at_start: Memory of the server then, in bytes.
        cap: Users that it keeps in memory at most.
        accesses: In several orders.
    """

    users: int
    made_per_second: float
    bytes_each: float
    room_each: float
    list_seconds: float
    backup_seconds: float
    backup_bytes_each: float
    start_seconds: float
    resident_at_start: int
    cap: int
    accesses: list[Access] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Job:
    requests: Sequence[Request]


def _ask_all(job: _Job) -> tuple[Histogram, int]:
    """Ask for everything, in this order, over some connections."""
    latencies, accepted = Histogram(), 0
    requests = iter(job.requests)

    def script() -> Script:
        nonlocal accepted
        for request in requests:
            answer = yield request
            latencies.add(answer.received - answer.sent)
            accepted += answer.is_good

    Loop(on_answer=tick).run([script() for _ in range(_CONNECTIONS)])
    return latencies, accepted


def run_scale(plan: Plan, tell: Callable[[str, int, int], None]) -> ScaleReport:
    """Make users, start a server on them, and ask for some.

    Args:
        plan: Says how many.
        tell: Told of progress.

    Raises:
        BenchError: The server did not come up.
    """
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        tell(f"making {plan.users} users", 0, 1)
        begun = monotonic()
        client = _make(data, plan.users)
        made = plan.users / (monotonic() - begun)
        report = _measure_files(data, plan.users, made, tell)
        _measure_accesses(report, data, client, Chance(plan.seed), tell)
    return report


def _measure_files(
    data: Path,
    users: int,
    made_per_second: float,
    tell: Callable[[str, int, int], None],
) -> ScaleReport:
    tell("listing them", 0, 1)
    listing = _command("users", "list", data=data)
    tell("backing them up", 0, 1)
    with tempfile.TemporaryDirectory(dir=data.parent) as kept:
        saving = _command("backup", kept, "--with-keys", data=data)
        (file,) = Path(kept).iterdir()
        saved = file.stat().st_size
    size, room = _room(data / "actors" / "user")
    return ScaleReport(
        users=users,
        made_per_second=made_per_second,
        bytes_each=size / users,
        room_each=room / users,
        list_seconds=listing,
        backup_seconds=saving,
        backup_bytes_each=saved / users,
        start_seconds=0.0,
        resident_at_start=0,
        cap=max(16, min(_CAP, users // 10)),
    )


def _measure_accesses(
    report: ScaleReport,
    data: Path,
    client: Credentials,
    chance: Chance,
    tell: Callable[[str, int, int], None],
) -> None:
    cores = divide_cores(1)
    made = made_in(data)
    tell("starting on them", 0, 1)
    begun = monotonic()
    with (
        open_fleet(1, cores.drivers) as fleet,
        own_server(
            data=data,
            cores=cores.server,
            max_activations=report.cap,
            refresh_grace_seconds=_GRACE,
        ) as server,
    ):
        report.start_seconds = monotonic() - begun
        report.resident_at_start = resident_bytes(server.groups())
        target = server.target()

        def refresh(number: int) -> Request:
            return target.refresh(client, made.token(number, _REFRESH).render())

        for name, numbers in _orders(report.users, report.cap, chance):
            tell(name, 0, 1)
            begun = monotonic()
            requests = [refresh(number) for number in numbers]
            begun = monotonic()
            latencies, accepted = fleet.run(_ask_all, _Job(requests))
            report.accesses.append(
                Access(
                    name=name,
                    per_second=len(requests) / (monotonic() - begun),
                    latencies=latencies,
                    accepted=accepted,
                    asked=len(requests),
                    resident=resident_bytes(server.groups()),
                )
            )


def _make(data: Path, users: int) -> Credentials:
    # The issuer is part of no token; the resource is what the server will have.
    settings = own_settings(data, 8000)
    ran = subprocess.run(  # noqa: S603 - this very program
        [sys.executable, "-m", "actor_oauth.bench.make_users", str(users)],
        input=settings.model_dump_json().encode() + b"\n",
        stdout=subprocess.PIPE,
        check=True,
    )
    return Credentials(client_id=json.loads(ran.stdout)["client_id"])


def _command(*words: str, data: Path) -> float:
    """Run a command on a data directory; gives the seconds that it took."""
    begun = monotonic()
    subprocess.run(  # noqa: S603 - this very program
        [sys.executable, "-m", "actor_oauth", *words, "--data", str(data)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return monotonic() - begun


def _room(folder: Path) -> tuple[int, int]:
    """Count the bytes of files, and those of the disk's blocks."""
    size, blocks = 0, 0
    for top, _, names in os.walk(folder):
        for name in names:
            found = os.stat(os.path.join(top, name))  # noqa: PTH116, PTH118 - a million
            size, blocks = size + found.st_size, blocks + found.st_blocks
    return size, _BLOCK * blocks


def _orders(
    users: int, cap: int, chance: Chance
) -> Iterator[tuple[str, Sequence[int]]]:
    """Whom to ask for: cold and warm refreshes, and both kinds of mixes.

    A token that was used is presented again: within its window that is a turn like the
    first, which finds the same successor.
    """
    sample = min(_SAMPLE, users)
    spread = [number * users // sample for number in range(sample)]
    yield "each once, from the disk", spread
    # They fit into memory, the room that is kept free not counted.
    few = spread[: min(cap // 2, sample // 10)]
    yield "some again and again: warming up", few
    yield "some again and again: in memory", few * 5
    yield "any of all (uniform)", [chance.below(users) for _ in range(sample)]
    yield (
        "any of all, some much more often (Zipf)",
        [_zipf(chance, users) for _ in range(sample)],
    )


def _zipf(chance: Chance, count: int) -> int:
    """A number below `count`; low ones are drawn far more often (inverse transform)."""
    tail = 1.0 - _EXPONENT
    share = chance.between(0.0, 1.0)
    rank = (1.0 + share * (count**tail - 1.0)) ** (1.0 / tail)
    return min(count - 1, int(rank) - 1)
