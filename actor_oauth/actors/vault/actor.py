"""The vault of one user: connections to other services, one turn at a time.

Its turns stand in one file per concern, each a base class of the actor. Nothing here
reaches the network: what needs it is a turn before and a turn after, and what is decided
is decided in `actor_oauth.oauth.upstream`.
"""

from actor_oauth.actors.vault import attempts
from actor_oauth.actors.vault.attempt_turns import AttemptTurns
from actor_oauth.actors.vault.connection_turns import ConnectionTurns
from actor_oauth.actors.vault.refresh_turns import RefreshTurns
from actor_oauth.actors.vault.schema import VAULT_MIGRATIONS


class VaultActor(AttemptTurns, ConnectionTurns, RefreshTurns, kind="vault"):
    """Owns one user's connections. Its key is `user_key(keyring, user_id)`."""

    migrations = VAULT_MIGRATIONS

    def on_alarm(self, *, now: int) -> None:
        """Erase what is over."""
        next_one = attempts.purge(self.db, now=now)
        if next_one is not None:
            self._wake_by(next_one)
