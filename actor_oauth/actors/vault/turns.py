"""What the parts of a vault share inside their turns."""

from typing import Final

from actor_oauth.actors.connection_trail import ConnectionEvent, ConnectionTrail
from actor_oauth.actors.directory import DirectoryActor
from actor_oauth.actors.renewals import ENDINGS, REVOCATIONS, RenewalsActor
from actor_oauth.actors.vault import connections
from actor_oauth.actors.vault.connections import Connection
from actor_oauth.actors.vault.housekeeping import renewal_at
from actor_oauth.actors.vault.seals import Seals
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.runtime import Actor

VAULTS: Final = "vaults"
"""Key of the directory of vaults."""


class VaultTurns(Actor, kind="vault"):
    """Base of the parts of a vault; see `VaultActor`."""

    def _seals(self, keyring: Keyring, fresh: bytes = b"") -> Seals:
        return Seals(self.address.key, keyring, fresh)

    def _list(self, *, now: int) -> None:
        """Have the vault listed, so that its keys can be rotated.

        Called by each turn that may create the vault; only the first one records it.
        """
        if not self._is_used():
            self.send(
                DirectoryActor,
                VAULTS,
                DirectoryActor.add,
                entry_id=self.address.key,
                created_at=now,
            )

    def _unlist(self) -> None:
        """List the vault no longer if nothing is left in it."""
        if not self._is_used():
            key = self.address.key
            self.send(DirectoryActor, VAULTS, DirectoryActor.remove, entry_id=key)

    def _is_used(self) -> bool:
        row: tuple[int] = self.db.execute(
            "SELECT EXISTS (SELECT 1 FROM connections)"
            " OR EXISTS (SELECT 1 FROM attempts) OR EXISTS (SELECT 1 FROM owed)"
        ).fetchone()
        return row[0] == 1

    def _note(self, event: ConnectionEvent, detail: str, *, now: int) -> None:
        """Add an event to the user's audit trail."""
        # What follows a question mark may be anything, also a secret (K-12).
        text = detail.partition("?")[0]
        self.send(
            ConnectionTrail,
            self.address.key,
            ConnectionTrail.note_connection,
            event=event,
            detail=text,
            at=now,
        )

    def _note_end(self, connection: Connection, *, now: int) -> None:
        """Report that only a new sign-in restores a connection."""
        self._note(ConnectionEvent.ENDED, connection.resource, now=now)
        self.send(
            RenewalsActor,
            ENDINGS,
            RenewalsActor.add,
            vault=self.address.key,
            number=connection.number,
        )

    def _owe(self, number: int | None) -> int | None:
        """Have tokens revoked by a process with network access, now or after a crash."""
        if number is not None:
            self.send(
                RenewalsActor,
                REVOCATIONS,
                RenewalsActor.add,
                vault=self.address.key,
                number=number,
            )
        return number

    def _watch(self, number: int) -> None:
        """Have the alarm go off when a connection is to be renewed, or has ended."""
        connection = connections.load_numbered(self.db, number)
        if connection is None:
            return
        at = renewal_at(connection)
        if at is None and not connection.credential.can_refresh:
            at = connection.credential.expires_at
        self.wake_by(at)
