"""Runs the application's callbacks, all of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from actor_oauth.actors.callbacks.interface import Callbacks
from actor_oauth.actors.callbacks.observing import Observing
from actor_oauth.actors.callbacks.questions import Questions
from actor_oauth.actors.callbacks.token_exchange import TokenExchange
from actor_oauth.runtime import Entropy


class CallbackRunner(TokenExchange, Observing, Questions):
    """Runs callbacks in a nursery of its own; made by `open_callbacks`."""


@asynccontextmanager
async def open_callbacks(
    callbacks: Callbacks, *, entropy: Entropy
) -> AsyncIterator[CallbackRunner]:
    """Run callbacks for as long as the block lasts; what is under way may then finish.

    Args:
        callbacks: The application's.
        entropy: For claims.
    """
    async with trio.open_nursery() as nursery:
        yield CallbackRunner(callbacks, nursery=nursery, entropy=entropy)
        nursery.cancel_scope.deadline = trio.current_time() + callbacks.seconds
