"""The same trouble over and over: told once a second, with how often there was more.

A full disk fails whatever is tried. It must not be filled with lines about that.
"""

from typing import Final

import trio

REPEAT_SECONDS: Final = 1.0
"""How seldom the same trouble is told."""

_MOST_KINDS: Final = 256


class Repeats:
    """Says which of many alike events are to be told. Use one for each sort of line."""

    def __init__(self) -> None:
        self._told_at: dict[str, float] = {}
        self._untold: dict[str, int] = {}

    def more(self, kind: str) -> int | None:
        """Note one more event.

        Args:
            kind: Which events are alike.

        Returns:
            How many like it were not told since the last; None if this one is not to be
            told either.
        """
        now = trio.current_time()
        if now - self._told_at.get(kind, float("-inf")) < REPEAT_SECONDS:
            self._untold[kind] = self._untold.get(kind, 0) + 1
            return None
        if len(self._told_at) >= _MOST_KINDS:
            self._told_at.clear()
        self._told_at[kind] = now
        return self._untold.pop(kind, 0)
