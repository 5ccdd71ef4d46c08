"""Token buckets for each address, in bounded memory.

A bucket holds `burst` tokens and gains one every `interval` seconds. What is kept
for a key is one number, the time at which its bucket will be full again (the
"theoretical arrival time" of the generic cell rate algorithm, ITU-T I.371), so a key
whose time has passed is no different from one never seen, and may be forgotten.

Each worker process counts for itself; `Rate.among` gives its share.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

LEAST_BURST: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How often something may happen.

    Attributes:
        burst: How many at once.
        interval: Seconds until one more is allowed.
    """

    burst: int
    interval: float

    def among(self, processes: int) -> "Rate":
        """Give the rate for each of several processes that together allow this one.

        In the long run it is exact, however connections fall to them. A few at once each
        of them allows, so that nobody who mistypes has to wait for having come to one.
        """
        share = max(math.ceil(self.burst / processes), min(self.burst, LEAST_BURST))
        return Rate(burst=share, interval=self.interval * processes)


class TokenBuckets:
    """Buckets of one rate, one for each key.

    When more than `capacity` keys are alive the one used least recently is forgotten:
    memory stays bounded, and only an attacker with that many addresses gains.
    """

    def __init__(self, rate: Rate, *, capacity: int = 10_000) -> None:
        self._rate = rate
        self._capacity = capacity
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, key: str, *, now: int) -> int:
        """Whole seconds until `key` may take a token; 0 when it may now."""
        return math.ceil(max(0.0, self._debt(key, now) - self._slack))

    def take(self, key: str, *, now: int) -> int:
        """Take one token from the bucket of `key`.

        Returns:
            0 when it was taken; else, with nothing taken, the whole seconds until
            there will be one.
        """
        seconds = self.wait(key, now=now)
        if seconds == 0:
            self._full_at[key] = now + self._debt(key, now) + self._rate.interval
            self._full_at.move_to_end(key)
            if len(self._full_at) > self._capacity:
                self._full_at.popitem(last=False)
        return seconds

    @property
    def _slack(self) -> float:
        return (self._rate.burst - 1) * self._rate.interval

    def _debt(self, key: str, now: int) -> float:
        """Seconds until the bucket is full.

        Never more than an empty bucket needs, so that a clock set back does not
        lock anybody out for as long as it was set back.
        """
        debt = self._full_at.get(key, now) - now
        return min(max(0.0, debt), self._rate.burst * self._rate.interval)
