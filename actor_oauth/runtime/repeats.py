"""The same trouble over and over: told once a second, with how often there was more.

A full disk fails whatever is tried. It must not be filled with lines about that.
"""

from collections.abc import Mapping
from typing import Final

import trio

REPEAT_SECONDS: Final = 1.0
"""How seldom the same trouble is told."""

_MOST_KINDS: Final = 256


class Repeats:
    """Says which of many alike events are to be told. Use one for each sort of line."""

    def __init__(self) -> None:
        # By kind: when it was told last, and how often it was not since.
        self._known: dict[str, tuple[float, int]] = {}

    def more(self, kind: str) -> Mapping[str, int] | None:
        """Note one more event.

        Args:
            kind: Which events are alike.

        Returns:
            What its line has besides: how many like it were not told since the last, if
            there were any. None if this one is not to be told either.
        """
        now = trio.current_time()
        told_at, untold = self._known.get(kind, (float("-inf"), 0))
        if now - told_at < REPEAT_SECONDS:
            self._known[kind] = told_at, untold + 1
            return None
        if len(self._known) >= _MOST_KINDS:
            self._known.clear()
        self._known[kind] = now, 0
        return {"more_like_it": untold} if untold else {}
