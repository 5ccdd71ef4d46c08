"""What many users cost who are only on disk: room, memory, and the first request of each."""

import json
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
from actor_oauth.bench.own_server import own_server, own_settings
from actor_oauth.bench.plan import Plan, divide_cores
from actor_oauth.bench.target import Credentials, Target
from actor_oauth.bench.throughput.cpu import resident_bytes

_SAMPLE: Final = 5_000
_CONNECTIONS: Final = 16
# Tokens are presented again and again, for as long as it takes.
_GRACE: Final = 3000
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
        made_per_second: While they were made, by the helper API in one process.
        bytes_each: Of files, for each user.
        room_each: Of the disk's blocks, for each user.
        start_seconds: Until the server accepted connections.
        resident_at_start: Memory of the server then, in bytes.
        cap: Users that it keeps in memory at most.
        accesses: In several orders.
    """

    users: int
    made_per_second: float
    bytes_each: float
    room_each: float
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
    sample = min(_SAMPLE, plan.users)
    cap = max(16, sample // 5)
    cores = divide_cores(1)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        tell(f"making {plan.users} users", 0, 1)
        begun = monotonic()
        client, tokens = _make(data, plan.users, sample)
        made = plan.users / (monotonic() - begun)
        size, room = _room(data)
        tell("starting on them", 0, 1)
        begun = monotonic()
        with (
            open_fleet(1, cores.drivers) as fleet,
            own_server(
                data=data,
                cores=cores.server,
                max_activations=cap,
                refresh_grace_seconds=_GRACE,
            ) as server,
        ):
            report = ScaleReport(
                users=plan.users,
                made_per_second=made,
                bytes_each=size / plan.users,
                room_each=room / plan.users,
                start_seconds=monotonic() - begun,
                resident_at_start=resident_bytes(server.groups()),
                cap=cap,
            )
            target = server.target()
            for name, requests in _orders(target, client, tokens, Chance(plan.seed)):
                tell(name, 0, 1)
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
    return report


def _make(
    data: Path, users: int, sample: int
) -> tuple[Credentials, list[tuple[str, str]]]:
    # The issuer is part of no token; the resource is what the server will have.
    settings = own_settings(data, 8000)
    command = [sys.executable, "-m", "actor_oauth.bench.make_users"]
    ran = subprocess.run(  # noqa: S603 - this very program
        [*command, str(users), str(sample)],
        input=settings.model_dump_json().encode() + b"\n",
        stdout=subprocess.PIPE,
        check=True,
    )
    made = json.loads(ran.stdout)
    tokens = [(refresh, access) for refresh, access in made["tokens"]]
    return Credentials(client_id=made["client_id"]), tokens


def _room(data: Path) -> tuple[int, int]:
    found = [path.stat() for path in data.rglob("*") if path.is_file()]
    return sum(one.st_size for one in found), _BLOCK * sum(o.st_blocks for o in found)


def _orders(
    target: Target,
    client: Credentials,
    tokens: Sequence[tuple[str, str]],
    chance: Chance,
) -> Iterator[tuple[str, list[Request]]]:
    """Cold and warm refreshes, and both kinds of mixes.

    A token that was used is presented again: within its window that is a turn like the
    first, which finds the same successor.
    """
    refreshes = [target.refresh(client, refresh) for refresh, _ in tokens]
    yield "every user once, from the disk", refreshes
    few = refreshes[: len(refreshes) // 10]
    yield "a tenth of them, again and again: warming up", few
    yield "a tenth of them, again and again: in memory", few * 5
    count = len(refreshes)
    uniform = [refreshes[chance.below(count)] for _ in range(count)]
    yield "uniform", uniform
    yield "Zipf", [refreshes[_zipf(chance, count)] for _ in range(count)]


def _zipf(chance: Chance, count: int) -> int:
    """A number below `count`; low ones are drawn far more often (inverse transform)."""
    tail = 1.0 - _EXPONENT
    share = chance.between(0.0, 1.0)
    rank = (1.0 + share * (count**tail - 1.0)) ** (1.0 / tail)
    return min(count - 1, int(rank) - 1)
