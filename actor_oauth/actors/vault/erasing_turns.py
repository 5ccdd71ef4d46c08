"""The turns that erase a vault, and revoke its tokens at the other servers."""

from actor_oauth.actors.vault import connections, owed
from actor_oauth.actors.vault.owed import Owed
from actor_oauth.actors.vault.turns import VaultTurns
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.upstream.failures import UpstreamFailed
from actor_oauth.runtime import turn


class ErasingTurns(VaultTurns, kind="vault"):
    """Turns of a vault; see `VaultActor`."""

    @turn
    def erase_all(self) -> None:
        """Forget everything. What is on its way to a connection finds none (I-32).

        What remains are tokens that are to be revoked.
        """
        was_used = self._is_used()
        for connection in connections.load_all(self.db):
            self._owe(owed.owe_connection(self.db, connection))
            connections.delete(self.db, connection.number)
        self.db.execute("DELETE FROM attempts")
        # A vault that there never was is listed nowhere.
        if was_used:
            self._unlist()

    @turn
    def begin_revocation(
        self, number: int, *, lease: int, keyring: Keyring, now: int
    ) -> Owed | None:
        """Take tokens to revoke them.

        Args:
            number: Of the row.
            lease: Seconds until another caller may take them.
            keyring: Ours.
            now: The time of the turn.

        Returns:
            None if they are revoked, or another caller is doing it.
        """
        taken = owed.begin(self.db, number, self._seals(keyring), now=now, lease=lease)
        if taken is not None:
            self.wake_by(now + lease)
        return taken

    @turn
    def finish_revocation(
        self, number: int, failed: UpstreamFailed | None, *, now: int
    ) -> int | None:
        """Note what the other server said.

        Args:
            number: Of the row.
            failed: Why it did not revoke; None if it did.
            now: The time of the turn.

        Returns:
            When it is to be asked again; None if it is not.
        """
        retry_at = owed.finish(self.db, number, failed, now=now)
        if retry_at is None:
            self._unlist()
        else:
            self.wake_by(retry_at)
        return retry_at
