"""What many users cost who are only on disk: room, memory, and the first request of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from actor_oauth.bench.chance import Chance
from actor_oauth.bench.fleet import Fleet, open_fleet, tick
from actor_oauth.bench.histogram import Histogram
from actor_oauth.bench.loop import Loop, Script
from actor_oauth.bench.many_users import AtRest, ManyUsers, Tell, many_users
from actor_oauth.bench.own_server import OwnServer, own_server
from actor_oauth.bench.plan import Plan, divide_cores
from actor_oauth.bench.target import Credentials, Target
from actor_oauth.bench.throughput.cpu import cpu_seconds, resident_bytes
from actor_oauth.runtime import RuntimeLimits

_SAMPLE: Final = 5_000
_CONNECTIONS: Final = 16
# Two connections may ask for one user at once: the second one's token is used by then.
_GRACE: Final = 3000
_CAP: Final = RuntimeLimits().max_activations
_EXPONENT: Final = 1.1

COLD: Final = "each once, from the disk"
WARM: Final = "some again and again, in memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Users who were asked for in some order.

    Attributes:
        name: Of the order.
        per_second: Refreshes.
        cpu: Of the server for each, in seconds.
        latencies: Of them.
        accepted: How many were answered with 200.
        asked: How many there were.
        resident: Memory of the server afterwards, in bytes.
    """

    name: str
    per_second: float
    cpu: float
    latencies: Histogram
    accepted: int
    asked: int
    resident: int


@dataclass(slots=True, kw_only=True)
class ScaleReport:
    """What was found.

    Attributes:
        users: On disk.
        at_rest: What was measured of them before.
        start_seconds: Until the server accepted connections.
        resident_at_start: Memory of the server then, in bytes.
        cap: Users that it keeps in memory at most.
        accesses: In several orders.
    """

    users: int
    at_rest: AtRest
    start_seconds: float
    resident_at_start: int
    cap: int
    accesses: list[Access] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """Whom to ask for, and with which token each."""

    target: Target
    client: Credentials
    numbers: Sequence[int]
    tokens: Mapping[int, str]


@dataclass(slots=True)
class _Asked:
    latencies: Histogram = field(default_factory=Histogram)
    accepted: int = 0
    tokens: dict[int, str] = field(default_factory=dict)


def _ask_all(job: _Job) -> _Asked:
    """Refresh everybody in this order, over some connections."""
    asked = _Asked()
    numbers = iter(job.numbers)

    def script() -> Script:
        for number in numbers:
            token = asked.tokens.get(number) or job.tokens[number]
            answer = yield job.target.refresh(job.client, token)
            asked.latencies.add(answer.received - answer.sent)
            if answer.is_good:
                asked.accepted += 1
                asked.tokens[number] = answer.text("refresh_token")

    Loop(on_answer=tick).run([script() for _ in range(_CONNECTIONS)])
    return asked


def run_scale(plan: Plan, tell: Tell) -> ScaleReport:
    """Have users on disk, start a server on them, and ask for some.

    Args:
        plan: Says how many, and where.
        tell: Called with progress.

    Raises:
        BenchError: The server did not come up, or there are other users.
    """
    with many_users(plan.data, plan.users, tell) as users:
        return _measure(users, Chance(plan.seed), tell)


def _measure(users: ManyUsers, chance: Chance, tell: Tell) -> ScaleReport:
    cores = divide_cores(1)
    cap = max(16, min(_CAP, users.count // 10))
    tell("starting on them", 0, 1)
    begun = monotonic()
    with (
        open_fleet(1, cores.drivers) as fleet,
        own_server(
            data=users.data,
            cores=cores.server,
            max_activations=cap,
            refresh_grace_seconds=_GRACE,
        ) as server,
    ):
        report = ScaleReport(
            users=users.count,
            at_rest=users.at_rest,
            start_seconds=monotonic() - begun,
            resident_at_start=resident_bytes(server.groups()),
            cap=cap,
        )
        target = server.target()
        for name, numbers in _orders(users.count, cap, chance):
            job = _Job(
                target=target,
                client=users.client,
                numbers=numbers,
                tokens={number: users.token(number) for number in numbers},
            )
            access, tokens = _ask(name, job, fleet, server, tell)
            users.keep(tokens)
            report.accesses.append(access)
        # What a killed server leaves would be looked after in the middle of the next run.
        server.close()
    return report


def _ask(
    name: str, job: _Job, fleet: Fleet, server: OwnServer, tell: Tell
) -> tuple[Access, Mapping[int, str]]:
    total = len(job.numbers)
    used, begun = cpu_seconds(server.groups()), monotonic()
    asked = fleet.run(_ask_all, job, lambda ticks: tell(name, ticks, total))
    seconds = monotonic() - begun
    access = Access(
        name=name,
        per_second=total / seconds,
        cpu=(cpu_seconds(server.groups()) - used) / total,
        latencies=asked.latencies,
        accepted=asked.accepted,
        asked=total,
        resident=resident_bytes(server.groups()),
    )
    return access, asked.tokens


def _orders(
    users: int, cap: int, chance: Chance
) -> Iterator[tuple[str, Sequence[int]]]:
    """Whom to ask for: cold and warm refreshes, and both kinds of mixes."""
    sample = min(_SAMPLE, users)
    spread = [number * users // sample for number in range(sample)]
    # Others than those who come first, where there are others.
    yield "until memory is full", [(n + 1) % users for n in spread[-cap:]]
    yield COLD, spread
    # They fit into memory, not counting the room that is kept free.
    few = spread[: min(cap // 2, sample // 10)]
    yield "some again and again, the first time", few
    yield WARM, few * 5
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
