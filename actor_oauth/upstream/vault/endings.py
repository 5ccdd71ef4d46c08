"""Reporting connections that only their users can restore to the application (I-31)."""

from functools import partial

from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.actors.callbacks.parts import ask_application
from actor_oauth.actors.vault import VaultActor
from actor_oauth.oauth.upstream.hooks import ConnectionEnded
from actor_oauth.oauth.upstream.policy import VaultPolicy


class Endings:
    """Reports ends; after a crash possibly once more.

    Args:
        callbacks: The application's.
        policy: Says where a user connects again.
    """

    def __init__(self, callbacks: Callbacks, policy: VaultPolicy) -> None:
        self._callbacks = callbacks
        self._policy = policy

    async def tell(self, vault: VaultActor, number: int) -> None:
        """Report one, unless it has been restored or removed meanwhile."""
        callback = self._callbacks.on_connection_ended
        found = None if callback is None else await vault.ended_connection(number)
        if callback is None or found is None or found.terms.user_id is None:
            return
        ended = ConnectionEnded(
            user_id=found.terms.user_id,
            resource=found.resource,
            name=found.terms.name,
            reauthorize_url=self._policy.login_url(found.resource),
        )
        await ask_application(
            "on_connection_ended",
            partial(callback, ended),
            seconds=self._callbacks.seconds,
        )
