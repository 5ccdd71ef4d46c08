"""What was found, for programs: everything, as plain JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import cast

from actor_oauth.bench.histogram import Histogram
from actor_oauth.oauth.json_values import Json


def to_plain(value: object) -> Json:
    """Give a value as what JSON knows: dataclasses by field, histograms in figures."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Histogram):
        return _figures(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: to_plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value)
        return {str(name): to_plain(member) for name, member in members.items()}
    return [to_plain(member) for member in cast("Sequence[object]", value)]


def _figures(histogram: Histogram) -> Json:
    """Quantiles in milliseconds, and the counts that they come from."""
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999, "max": 1.0}
    quantiles: dict[str, Json] = {
        name: round(histogram.quantile(share) * 1000, 3)
        for name, share in shares.items()
    }
    return {
        "count": histogram.total,
        "milliseconds": quantiles,
        "spread": [[seconds, count] for seconds, count in histogram.spread()],
    }
