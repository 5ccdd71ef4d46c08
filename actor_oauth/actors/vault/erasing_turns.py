"""The part of a vault that ends with its user."""

from actor_oauth.actors.directory import DirectoryActor
from actor_oauth.actors.vault.turns import VAULTS, VaultTurns
from actor_oauth.runtime import turn


class ErasingTurns(VaultTurns, kind="vault"):
    """Turns of a vault; see `VaultActor`."""

    @turn
    def erase_all(self) -> None:
        """Forget everything. What is on its way to a connection finds none (I-32)."""
        connections = self.db.execute("DELETE FROM connections").rowcount
        attempts = self.db.execute("DELETE FROM attempts").rowcount
        self.set_alarm(None)
        # A vault that there never was is listed nowhere.
        if connections or attempts:
            key = self.address.key
            self.send(DirectoryActor, VAULTS, DirectoryActor.remove, entry_id=key)
