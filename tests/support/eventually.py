"""Waiting for what happens by itself, under the autojump clock: virtual time, no sleep."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import trio

T = TypeVar("T")

# Virtual seconds: far more than any pause of the runtime.
PATIENCE_SECONDS: Final = 1000.0


async def eventually(look: Callable[[], Awaitable[T]]) -> T:
    """Look again and again until what is seen is true in the sense of `bool`."""
    with trio.fail_after(PATIENCE_SECONDS):
        while True:
            if seen := await look():
                return seen
            await trio.sleep(0.1)
