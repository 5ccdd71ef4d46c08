"""Compares what was measured with the goals, and says what bounds the rest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Final, cast

from actor_oauth.bench.report.document import Section, Table
from actor_oauth.bench.scale import COLD, WARM
from actor_oauth.bench.throughput.run import ASGI_ECHO, CHECK, REFRESH, UNGUARDED
from actor_oauth.oauth.json_values import Json

Raw = Mapping[str, Json]
Members = Mapping[str, Json]

_CONNECTIONS: Final = 16
_MEBIBYTE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal.

    Attributes:
        what: Is compared.
        limit: What it should reach, or not exceed.
        measured: Finds it; None if that was not measured.
        at_most: Whether the limit is an upper one.
        bound: What stands in the way, if it is not reached.
        by_cpu: Finds the same ratio by the CPU that was used, if that makes sense: what
            other programs on the machine change less, and cores to spare would give.
    """

    what: str
    limit: float
    measured: Callable[[Raw], float | None]
    bound: str
    by_cpu: Callable[[Raw], float | None] | None = None
    at_most: bool = False


def _members(value: "Json | None") -> Members:
    return value if isinstance(value, dict) else {}


def _items(value: "Json | None") -> Sequence[Members]:
    return [_members(one) for one in value] if isinstance(value, list) else []


def _number(value: "Json | None") -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _figure(raw: Raw, name: str, workers: int) -> Members:
    wanted = (name, workers, _CONNECTIONS)
    for one in _items(_members(raw.get("throughput")).get("figures")):
        if (one["name"], one["workers"], one["connections"]) == wanted:
            return one
    return {}


def _rate(raw: Raw, name: str, workers: int) -> float | None:
    rates = _figure(raw, name, workers).get("rates")
    return median(cast("list[float]", rates)) if rates else None


def _per_core(raw: Raw, name: str, workers: int) -> float | None:
    """How much is done in a second of CPU, by as many cores as there are workers."""
    figure = _figure(raw, name, workers)
    return _ratio(
        workers * _number(figure.get("done")), _number(figure.get("server_cpu"))
    )


def _ratio(over: float | None, under: float | None) -> float | None:
    return over / under if over is not None and under else None


Throughput = Callable[[Raw, str, int], float | None]


def _refresh_of_echo(raw: Raw, found: Throughput = _rate) -> float | None:
    return _ratio(found(raw, REFRESH, 1), found(raw, ASGI_ECHO, 1))


def _guarded(raw: Raw, found: Throughput = _rate) -> float | None:
    return _ratio(found(raw, CHECK, 1), found(raw, UNGUARDED, 1))


def _two_workers(raw: Raw, found: Throughput = _rate) -> float | None:
    return _ratio(found(raw, REFRESH, 2), found(raw, REFRESH, 1))


def _in_process(raw: Raw) -> float | None:
    rates = _members(raw.get("throughput")).get("checks")
    return median(cast("list[float]", rates)) if rates else None


def _cold(raw: Raw) -> float | None:
    accesses = _items(_members(raw.get("scale")).get("accesses"))
    medians = {
        one["name"]: _number(
            _members(_members(one["latencies"])["milliseconds"])["p50"]
        )
        for one in accesses
    }
    return _ratio(medians.get(COLD), medians.get(WARM))


def _memory(raw: Raw) -> float | None:
    accesses = _items(_members(raw.get("scale")).get("accesses"))
    largest = max((_number(one["resident"]) for one in accesses), default=0.0)
    return largest / _MEBIBYTE or None


def _room(raw: Raw) -> float | None:
    at_rest = _members(_members(raw.get("scale")).get("at_rest"))
    return _number(at_rest.get("room_each")) / 1024 or None


def _slow(raw: Raw) -> float | None:
    rates = {
        _number(one["delay"]): _number(one["per_second"])
        for one in _items(raw.get("slow disk"))
    }
    return _ratio(rates.get(5.0), rates.get(0.0))


GOALS: Final = (
    Goal(
        "durable refresh, of the bare ASGI echo",
        0.6,
        _refresh_of_echo,
        "CPU of one core: the turn, hashing, and the sync's thread, beside what the echo"
        " does too (ARCHITECTURE.md, What a refresh costs)",
        by_cpu=partial(_refresh_of_echo, found=_per_core),
    ),
    Goal(
        "request through the guard, of the same one without it",
        0.85,
        _guarded,
        "CPU: the check, and what lets an open answer be cut (ARCHITECTURE.md, An access"
        " check)",
        by_cpu=partial(_guarded, found=_per_core),
    ),
    Goal(
        "access checks in the provider's process, per second of CPU",
        30_000,
        _in_process,
        "CPU of Python: docs/access-checks.md",
    ),
    Goal(
        "refresh with two workers, of one",
        1.8,
        _two_workers,
        "two cores have to serve two workers and the driver",
        by_cpu=partial(_two_workers, found=_per_core),
    ),
    Goal(
        "cold refresh, of a warm one (median latency)",
        2.0,
        _cold,
        "opening one user's file and closing another's takes SQLite and the kernel as much"
        " CPU as a warm refresh, before any Python (ARCHITECTURE.md, What opening an actor costs)",
        at_most=True,
    ),
    Goal(
        "memory of the server, MiB",
        300.0,
        _memory,
        "some 140 KiB a user in memory, of which 60 are statements that SQLite has"
        " prepared: `max_activations` sets it",
        at_most=True,
    ),
    Goal(
        "disk for an idle user, KiB",
        16.0,
        _room,
        "a page a table",
        at_most=True,
    ),
    Goal(
        "refreshes with syncs 5 ms slower, of those with none",
        0.7,
        _slow,
        "every connection waits for a batch before it asks again: 64 connections fill"
        " a batch in less than 5 ms",
    ),
)


def goals_section(raw: Raw, *, measured_only: bool = False) -> Section:
    """Make the table of goals out of all figures.

    Args:
        raw: They.
        measured_only: Whether goals of which this run says nothing are left out.
    """
    goals = [
        (goal, goal.measured(raw), goal.by_cpu(raw) if goal.by_cpu else None)
        for goal in GOALS
    ]
    return Section(
        title="Goals",
        problems=None,
        text="Each within this one run. *By CPU* is the same ratio by the CPU time of the"
        " server's processes: what cores to spare would give. A goal that was missed says"
        " what stands in the way.",
        blocks=[
            Table(
                title="What was wanted, and what was reached",
                columns=["goal", "wanted", "measured", "by CPU", "reached"],
                rows=[
                    _row(goal, measured, by_cpu)
                    for goal, measured, by_cpu in goals
                    if measured is not None or not measured_only
                ],
            )
        ],
    )


def _row(goal: Goal, measured: float | None, by_cpu: float | None) -> list[str]:
    wanted = f"{'at most' if goal.at_most else 'at least'} {goal.limit:,g}"
    if measured is None:
        return [goal.what, wanted, "", "", "not measured in this run"]
    shown = f"{measured:,.0f}" if goal.limit >= 10 else f"{measured:.2f}"
    met = measured <= goal.limit if goal.at_most else measured >= goal.limit
    verdict = "yes" if met else f"no: {goal.bound}"
    return [goal.what, wanted, shown, f"{by_cpu:.2f}" if by_cpu else "", verdict]
