"""The table of goals says what was reached, and what was not measured."""

from actor_oauth.bench.report.document import Table
from actor_oauth.bench.scale import COLD, WARM
from actor_oauth.oauth.json_values import Json
from benchmarks.goals import GOALS, goals_section


def figure(name: str, workers: int, rate: float) -> dict[str, Json]:
    return {"name": name, "workers": workers, "connections": 16, "rates": [rate]}


def access(name: str, p50: float, resident: int) -> dict[str, Json]:
    latencies: Json = {"milliseconds": {"p50": p50}}
    return {"name": name, "latencies": latencies, "resident": resident}


def reached(raw: dict[str, Json]) -> list[str]:
    table = goals_section(raw).blocks[0]
    assert isinstance(table, Table)
    return [row[3].partition(":")[0] for row in table.rows]


def test_goals_that_were_not_measured_say_so() -> None:
    assert reached({}) == ["not measured in this run"] * len(GOALS)


def test_each_goal_is_compared_with_its_own_figure() -> None:
    good: dict[str, Json] = {
        "throughput": {
            "figures": [
                figure("bare ASGI echo", 1, 100),
                figure("the same without the guard", 1, 100),
                figure("refresh", 1, 60),
                figure("refresh", 2, 120),
                figure("access check", 1, 85),
            ],
            "checks": [40_000.0],
        },
        "scale": {
            "accesses": [access(COLD, 20, 1 << 20), access(WARM, 10, 299 << 20)],
            "at_rest": {"room_each": 12288.0},
        },
        "slow disk": [
            {"delay": 0.0, "per_second": 100.0},
            {"delay": 5.0, "per_second": 80.0},
        ],
    }
    assert reached(good) == ["yes"] * len(GOALS)
    bad: dict[str, Json] = {
        "throughput": {
            "figures": [
                figure("bare ASGI echo", 1, 100),
                figure("the same without the guard", 1, 100),
                figure("refresh", 1, 59),
                figure("refresh", 2, 100),
                figure("access check", 1, 84),
            ],
            "checks": [29_000.0],
        },
        "scale": {
            "accesses": [access(COLD, 21, 1 << 20), access(WARM, 10, 301 << 20)],
            "at_rest": {"room_each": 17_000.0},
        },
        "slow disk": [
            {"delay": 0.0, "per_second": 100.0},
            {"delay": 5.0, "per_second": 60.0},
        ],
    }
    assert reached(bad) == ["no"] * len(GOALS)
