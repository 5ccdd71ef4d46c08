"""The part of a user's actor that deletes the account, and lets the user come back."""

from actor_oauth.actors.directory import USERS, DirectoryActor
from actor_oauth.actors.federation.identities import IdentityActor
from actor_oauth.actors.user.account import load_account
from actor_oauth.actors.user.deletion import bury_account, erase_buried
from actor_oauth.actors.user.identities import load_identities
from actor_oauth.actors.user.turns import UserTurns
from actor_oauth.actors.vault import VaultActor
from actor_oauth.oauth.keyring import Keyring, identity_key
from actor_oauth.runtime import turn


class DeletionTurns(UserTurns, kind="user"):
    """Turns of a user's actor; see `UserActor`."""

    @turn
    def delete_account(self, *, keyring: Keyring, now: int) -> bool:
        """Delete the account: every session and grant is dead when this returns.

        Its data are erased by `erase_deleted`, or in time by alarm. All other actors
        that know the user are told through the outbox: accounts at other services must
        not lead to a new user of the same name.

        Args:
            keyring: The server's.
            now: The time of the turn.

        Returns:
            False if there is no account.
        """
        known = load_account(self.db)
        if known is None or known.deleted:
            return False
        for identity in load_identities(self.db):
            self.send(
                IdentityActor,
                identity_key(keyring, identity.issuer, identity.subject),
                IdentityActor.unlink,
                user_id=known.user_id,
            )
        self.send(VaultActor, self.address.key, VaultActor.erase_all)
        bury_account(self.db, now=now)
        self.send(DirectoryActor, USERS, DirectoryActor.remove, entry_id=known.user_id)
        self.set_alarm(now)
        return True

    @turn
    def erase_deleted(self, *, now: int) -> bool:
        """Erase a batch of what is left of a deleted account.

        Returns:
            Whether more is left.
        """
        return self._is_deleted() and self._erase_batch(now)

    @turn
    def readmit(self, user_id: str, *, now: int) -> bool:
        """Make an account of a tombstone again: a new one, of the same name.

        Returns:
            False if there is no tombstone.
        """
        if not self._is_deleted():
            return False
        self._revive_account(user_id, password_hash=None, now=now)
        return True

    def _is_deleted(self) -> bool:
        known = load_account(self.db)
        return known is not None and known.deleted

    def _erase_batch(self, now: int) -> bool:
        more = erase_buried(self.db)
        self.set_alarm(now if more else None)
        return more
