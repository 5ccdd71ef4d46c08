"""Rate limit per host: this server must not be used to flood one."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRate:
    """How often a host may be asked.

    Attributes:
        burst: How many times at once.
        interval: Seconds until it may be asked once more.
    """

    burst: int = 30
    interval: float = 2.0


class HostBudget:
    """Counts requests for each host, in bounded memory.

    For each host one number is kept: when its whole burst will be available again.

    Args:
        rate: For every host.
        capacity: Hosts remembered. Beyond it the one asked least recently is forgotten,
            which lets it be asked more often.
    """

    def __init__(self, rate: HostRate, *, capacity: int = 4096) -> None:
        self._rate = rate
        self._capacity = capacity
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, host: str, *, now: float) -> bool:
        """Count a request.

        Args:
            host: In lower case.
            now: Seconds on a clock that never goes back.

        Returns:
            False, with nothing counted, if the host was asked too often.
        """
        rate = self._rate
        full_at = max(now, self._full_at.get(host, now))
        if full_at - now > (rate.burst - 1) * rate.interval:
            return False
        self._full_at[host] = full_at + rate.interval
        self._full_at.move_to_end(host)
        if len(self._full_at) > self._capacity:
            self._full_at.popitem(last=False)
        return True
