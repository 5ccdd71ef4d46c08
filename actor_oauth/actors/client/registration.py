"""The one row in which a client's actor keeps the registration."""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from actor_oauth.oauth.client_lifecycle import ClientState
from actor_oauth.oauth.clients import Client
from actor_oauth.runtime import Database

_WEIGHT: Final = 1024
"""Of a registration beside its record, roughly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A client's registration as it is stored.

    Attributes:
        state: Where it stands.
        epoch: Rises when the client is enabled again.
        ended_epoch: What was granted under it or an earlier one is dead.
        record: The client; None once it is deleted and forgotten.
        secret_hash: Of its secret, if it has one.
        previous_secret_hash: Of the one before, until the newest is used.
        expires_at: When it ends unless it is used before; None for never.
    """

    state: ClientState
    epoch: int
    ended_epoch: int
    record: str | None
    secret_hash: bytes | str | None = field(repr=False)
    expires_at: int | None
    previous_secret_hash: bytes | str | None = field(default=None, repr=False)

    @property
    def weight(self) -> int:
        """How much memory it takes to remember it, in bytes."""
        return _WEIGHT + len(self.record or "")

    @property
    def client(self) -> Client | None:
        """The client as requests see it: None unless it is active."""
        if self.state is not ClientState.ACTIVE:
            return None
        return self.stored_client

    @property
    def stored_client(self) -> Client | None:
        """The client in any state, until it has been deleted and forgotten."""
        if self.record is None:
            return None
        return _read_client(self.record, self.epoch)


_ABSENT: Final = Registration(
    state=ClientState.ABSENT,
    epoch=0,
    ended_epoch=0,
    record=None,
    secret_hash=None,
    expires_at=None,
)


@lru_cache(maxsize=1024)
def _read_client(record: str, epoch: int) -> Client:
    # Every token request asks for the same few clients, and reading one takes longer
    # than finding it.
    return replace(Client.from_record(record), epoch=epoch)


def load_registration(db: Database) -> Registration:
    """Read the registration, inside a turn or view."""
    row = db.execute(
        "SELECT state, epoch, ended_epoch, record, secret_hash, expires_at,"
        " previous_secret_hash FROM registration"
    ).fetchone()
    if row is None:
        return _ABSENT
    state, epoch, ended_epoch, record, secret_hash, expires_at, previous = row
    return Registration(
        state=ClientState(state),
        epoch=epoch,
        ended_epoch=ended_epoch,
        record=record,
        secret_hash=secret_hash,
        expires_at=expires_at,
        previous_secret_hash=previous,
    )


def save_registration(db: Database, registration: Registration) -> None:
    """Write the registration, inside a turn."""
    db.execute(
        "INSERT OR REPLACE INTO registration VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
        (
            registration.state,
            registration.epoch,
            registration.ended_epoch,
            registration.record,
            registration.secret_hash,
            registration.expires_at,
            # A client without a secret has no previous one either.
            registration.secret_hash and registration.previous_secret_hash,
        ),
    )
