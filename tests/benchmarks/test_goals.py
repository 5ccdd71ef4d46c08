"""The table of goals says what was reached, and what was not measured."""

from actor_oauth.bench.report.document import Table
from actor_oauth.bench.scale import COLD, WARM
from actor_oauth.oauth.json_values import Json
from benchmarks.goals import GOALS, goals_section


def figure(name: str, workers: int, rate: float) -> dict[str, Json]:
    return {
        "name": name,
        "workers": workers,
        "connections": 16,
        "rates": [rate],
        "done": 1000.0,
        "server_cpu": 1000.0 / rate,
    }


def access(name: str, p50: float, resident: int) -> dict[str, Json]:
    latencies: Json = {"milliseconds": {"p50": p50}}
    return {"name": name, "latencies": latencies, "resident": resident}


def reached(raw: dict[str, Json]) -> list[str]:
    table = goals_section(raw).blocks[0]
    assert isinstance(table, Table)
    return [row[-1].partition(":")[0] for row in table.rows]


def by_cpu(raw: dict[str, Json]) -> list[str]:
    table = goals_section(raw).blocks[0]
    assert isinstance(table, Table)
    return [row[3] for row in table.rows if row[3]]


def test_goals_that_were_not_measured_say_so() -> None:
    assert reached({}) == ["not measured in this run"] * len(GOALS)


def raw(
    *,
    refresh: float,
    two_workers: float,
    check: float,
    in_process: float,
    cold: float,
    resident: int,
    room: float,
    slow: float,
) -> dict[str, Json]:
    return {
        "throughput": {
            "figures": [
                figure("bare ASGI echo", 1, 100),
                figure("the same without the guard", 1, 100),
                figure("refresh", 1, refresh),
                figure("refresh", 2, two_workers),
                figure("access check", 1, check),
            ],
            "checks": [in_process],
        },
        "scale": {
            "accesses": [access(COLD, cold, 1 << 20), access(WARM, 10, resident)],
            "at_rest": {"room_each": room},
        },
        "slow disk": [
            {"delay": 0.0, "per_second": 100.0},
            {"delay": 5.0, "per_second": slow},
        ],
    }


def test_each_goal_is_compared_with_its_own_figure() -> None:
    good = raw(
        refresh=60,
        two_workers=120,
        check=85,
        in_process=40_000.0,
        cold=20,
        resident=299 << 20,
        room=12288.0,
        slow=80.0,
    )
    assert reached(good) == ["yes"] * len(GOALS)
    bad = raw(
        refresh=59,
        two_workers=100,
        check=84,
        in_process=29_000.0,
        cold=21,
        resident=301 << 20,
        room=17_000.0,
        slow=60.0,
    )
    assert by_cpu(bad) == ["0.59", "0.84", "3.39"]
    assert reached(bad) == ["no"] * len(GOALS)
