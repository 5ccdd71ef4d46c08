"""Waiting for what happens by itself, under the autojump clock: virtual time, no sleep."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import trio
from trio.testing import wait_all_tasks_blocked

from actor_oauth.runtime import ActorSystem

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


async def woken(system: ActorSystem, count: int = 1) -> None:
    """Wait until so many actors are in memory, which nobody has asked for."""

    async def are_awake() -> bool:
        return system.activations >= count

    await eventually(are_awake)
    await wait_all_tasks_blocked()
