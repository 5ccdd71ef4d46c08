"""The vault of one user: connections to other services, one turn at a time.

There is one file of turns per concern, each a base class of the actor. Nothing here
reaches the network: work that needs it is a turn before and a turn after, and decisions
are made in `actor_oauth.oauth.upstream`.
"""

from actor_oauth.actors.renewals import RENEWALS, RenewalsActor
from actor_oauth.actors.vault import attempts, owed
from actor_oauth.actors.vault.adopting_turns import AdoptingTurns
from actor_oauth.actors.vault.attempt_turns import AttemptTurns
from actor_oauth.actors.vault.complaint_turns import ComplaintTurns
from actor_oauth.actors.vault.connection_turns import ConnectionTurns
from actor_oauth.actors.vault.erasing_turns import ErasingTurns
from actor_oauth.actors.vault.housekeeping import end_expired, find_due, seal_anew
from actor_oauth.actors.vault.refresh_turns import RefreshTurns
from actor_oauth.actors.vault.schema import VAULT_MIGRATIONS
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.runtime import turn


class VaultActor(
    AttemptTurns,
    AdoptingTurns,
    ConnectionTurns,
    RefreshTurns,
    ComplaintTurns,
    ErasingTurns,
    kind="vault",
):
    """Owns one user's connections. Its key is `user_key(keyring, user_id)`."""

    migrations = VAULT_MIGRATIONS

    @turn
    def seal_anew(self, *, keyring: Keyring, fresh: bytes) -> int:
        """Seal with the current key what an older one sealed (K-08).

        Returns:
            How many secrets there were.
        """
        seals = self._seals(keyring, fresh)
        return seal_anew(self.db, seals) + owed.seal_anew(self.db, seals)

    def on_alarm(self, *, now: int) -> None:
        """Erase expired data, and list what is to be refreshed, revoked or reported."""
        over_at = attempts.purge(self.db, now=now)
        ended, ends_at = end_expired(self.db, now=now)
        for connection in ended:
            self._note_end(connection, now=now)
        owing, owed_at = owed.find_due(self.db, now=now)
        for number in owing:
            self._owe(number)
        due, due_at = find_due(self.db, now=now)
        for number in due:
            self.send(
                RenewalsActor,
                RENEWALS,
                RenewalsActor.add,
                vault=self.address.key,
                number=number,
            )
        times = (over_at, ends_at, due_at, owed_at)
        self.set_alarm(min((at for at in times if at), default=None))
