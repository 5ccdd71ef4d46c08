"""Latencies by the million in little memory: counts in buckets of equal ratio."""

import math
from collections.abc import Iterable, Mapping
from typing import Final

_SMALLEST: Final = 1e-6
# Each bucket ends this many times later than it begins: figures are right to 2 %.
_RATIO: Final = 1.04
_LOG_RATIO: Final = math.log(_RATIO)


class Histogram:
    """Counts of seconds.

    Args:
        counts: By bucket, as `counts` gave them.
    """

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts: dict[int, int] = dict(counts or {})

    def add(self, seconds: float, times: int = 1) -> None:
        """Count a measured time."""
        bucket = 0
        if seconds > _SMALLEST:
            bucket = int(math.log(seconds / _SMALLEST) / _LOG_RATIO)
        self.counts[bucket] = self.counts.get(bucket, 0) + times

    def merge(self, other: "Histogram") -> None:
        """Add another histogram's counts."""
        for bucket, times in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + times

    @property
    def total(self) -> int:
        """How many were counted."""
        return sum(self.counts.values())

    def quantile(self, share: float) -> float:
        """The seconds that a share of what was counted keeps below; 0 without any."""
        wanted = share * self.total
        seen = 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= wanted:
                return middle_of(bucket)
        return 0.0

    def spread(self) -> list[tuple[float, int]]:
        """The middle of each bucket that has something, and how much."""
        return [(middle_of(bucket), n) for bucket, n in sorted(self.counts.items())]


def middle_of(bucket: int) -> float:
    """The duration in seconds that represents a bucket."""
    return float(_SMALLEST * _RATIO ** (bucket + 0.5))


def histogram_of(seconds: Iterable[float]) -> Histogram:
    """Count measured times."""
    histogram = Histogram()
    for one in seconds:
        histogram.add(one)
    return histogram
