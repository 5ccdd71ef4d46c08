"""What there is for a caller: a connection, its token, and what to do with it."""

from dataclasses import dataclass, field
from typing import TypeAlias

from actor_oauth.actors.vault import connections
from actor_oauth.actors.vault.connections import Connection
from actor_oauth.actors.vault.seals import Seals
from actor_oauth.oauth.upstream.credentials import (
    Credential,
    CredentialState,
    Use,
    decide_use,
)
from actor_oauth.runtime import Database

Version: TypeAlias = tuple[int, int]
"""Epoch and generation: which of a connection's tokens is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """What there is for a URL.

    Attributes:
        connection: As it stands.
        use: What to do with it.
        access_token: The present one if it is alive, whatever `use` says: a refresh may
            come to nothing.
        touch_due: Whether its use should be recorded.
    """

    connection: Connection
    use: Use
    access_token: str | None = field(default=None, repr=False)
    touch_due: bool = False

    @property
    def version(self) -> Version:
        """Which token this is."""
        return version_of(self.connection.credential)

    @property
    def is_public(self) -> bool:
        """Whether the resource wanted no token when it was last asked."""
        return self.connection.credential.state is CredentialState.PUBLIC


def version_of(credential: Credential) -> Version:
    """Give which token a connection has."""
    return credential.epoch, credential.generation


def look(
    db: Database,
    number: int,
    seals: Seals,
    *,
    now: int,
    newer_than: Version | None = None,
) -> LookUp | None:
    """Look at a connection.

    Args:
        db: The vault's.
        number: Of the connection.
        seals: Open what is sealed.
        now: The time of the turn.
        newer_than: A token that is not good enough, or None.

    Returns:
        None if the connection does not exist any more.
    """
    found = connections.load_numbered(db, number)
    if found is None:
        return None
    credential = found.credential
    forced = newer_than is not None and version_of(credential) <= newer_than
    use = decide_use(credential, now=now, forced=forced)
    token = None
    if credential.is_alive(now):
        token = connections.load_secret(db, number, "access", seals)
    if use is Use.PRESENT and token is None:
        # The key that it was sealed with is gone.
        use = Use.AUTHORIZE
    return LookUp(
        connection=found,
        use=use,
        access_token=token,
        touch_due=use is Use.PRESENT and found.used_at < credential.obtained_at,
    )
