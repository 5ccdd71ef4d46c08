"""The actor of one user: everything that happens to a user's grants, one turn at a time.

There is one file of turns per concern, each a base class of the actor. A turn is a line
or two: the work is in plain functions that take the database, and decisions are made in
`actor_oauth.oauth`. Randomness, time, keys and policy come with each turn; passwords
arrive as argon2 hashes.
"""

from actor_oauth.actors.user.account_turns import AccountTurns
from actor_oauth.actors.user.asserted_turns import AssertedTurns
from actor_oauth.actors.user.callback_turns import CallbackTurns
from actor_oauth.actors.user.connection_turns import ConnectionTurns
from actor_oauth.actors.user.consent_turns import ConsentTurns
from actor_oauth.actors.user.deletion_turns import DeletionTurns
from actor_oauth.actors.user.device_turns import DeviceTurns
from actor_oauth.actors.user.grant_turns import GrantTurns
from actor_oauth.actors.user.housekeeping import sweep
from actor_oauth.actors.user.identity_turns import IdentityTurns
from actor_oauth.actors.user.openid_turns import OpenIdTurns
from actor_oauth.actors.user.remembering_turns import RememberingTurns
from actor_oauth.actors.user.schema import USER_MIGRATIONS
from actor_oauth.actors.user.session_turns import SessionTurns
from actor_oauth.actors.user.token_turns import TokenTurns
from actor_oauth.runtime import turn


class UserActor(
    AccountTurns,
    DeletionTurns,
    SessionTurns,
    ConsentTurns,
    RememberingTurns,
    GrantTurns,
    TokenTurns,
    DeviceTurns,
    AssertedTurns,
    CallbackTurns,
    IdentityTurns,
    OpenIdTurns,
    ConnectionTurns,
    kind="user",
):
    """Owns one user. Its key is `user_key(keyring, user_id)`."""

    migrations = USER_MIGRATIONS

    @turn
    def purge(self, *, now: int) -> None:
        """Erase expired data, as the alarm does."""
        self._sweep(now)

    def on_alarm(self, *, now: int) -> None:
        """Erase expired data, and set the alarm for the next expiry."""
        self._sweep(now)

    def _sweep(self, now: int) -> None:
        if self._is_deleted():
            self._erase_batch(now)
        else:
            self.set_alarm(sweep(self.db, self.address.key, now=now))
