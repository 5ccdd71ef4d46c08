"""The turns of connections: find, list, describe, remove."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from actor_oauth.actors.connection_trail import ConnectionEvent
from actor_oauth.actors.vault import attempts, connections, owed
from actor_oauth.actors.vault.connections import Connection
from actor_oauth.actors.vault.looking import LookUp, Version, look
from actor_oauth.actors.vault.storing import default_name
from actor_oauth.actors.vault.turns import VaultTurns
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.props import encode_metadata
from actor_oauth.oauth.upstream.credentials import (
    PUBLIC_FOR,
    CredentialEvent,
    CredentialState,
    advance,
)
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.matching import find_match
from actor_oauth.runtime import turn, view

MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A connection was removed.

    Attributes:
        owed: The number under which its tokens are to be revoked; None if they cannot be.
    """

    owed: int | None


class ConnectionTurns(VaultTurns, kind="vault"):
    """What is connected."""

    @view
    def look_up(
        self,
        url: str,
        *,
        keyring: Keyring,
        now: int,
        newer_than: Version | None = None,
    ) -> LookUp | None:
        """Find the connection for a URL, and what to do with it (I-33).

        Args:
            url: Where a request is to go.
            keyring: Ours.
            now: The time of the view.
            newer_than: A token that is not good enough, or None.
        """
        number = find_match(url, connections.resources_of(self.db))
        if number is None:
            return None
        return look(
            self.db, number, self._seals(keyring), now=now, newer_than=newer_than
        )

    @view
    def list_connections(self) -> Sequence[Connection]:
        """Give all connections, the newest first."""
        return connections.load_all(self.db)

    @view
    def ended_connection(self, number: int) -> Connection | None:
        """Give a connection that only its user can restore; None if it is not one."""
        found = connections.load_numbered(self.db, number)
        ended = CredentialState.NEEDS_AUTHORIZATION
        return found if found is not None and found.credential.state is ended else None

    @turn
    def note_use(self, number: int, *, now: int) -> None:
        """Note that a token is in use: only then is it renewed ahead of its end."""
        connections.save_used(self.db, number, now=now)
        self._watch(number)

    @turn(creates=True)
    def note_public(self, resource: str, *, now: int) -> Connection | UpstreamFailed:
        """Note that a resource wants no token, for a while (I-02).

        A connection with a token stays as it is: that the resource answers one kind of
        request without does not mean that it does so for all.
        """
        self._list(now=now)
        name = default_name(resource, None)
        found = connections.ensure(self.db, resource, name=name, now=now)
        if found is None:
            return UpstreamFailed(fault=UpstreamFault.TOO_MANY)
        state = advance(found.credential.state, CredentialEvent.FOUND_PUBLIC)
        if state is None:
            return found
        credential = replace(
            found.credential, state=state, obtained_at=now, expires_at=now + PUBLIC_FOR
        )
        connections.save_credential(self.db, found.number, credential)
        return replace(found, credential=credential)

    @turn
    def describe(
        self, number: int, *, name: str | None, metadata: Json
    ) -> Connection | None:
        """Store what the application calls a connection, and what it attaches.

        Raises:
            ValueError: The metadata is no JSON value, or too long.
        """
        encode_metadata(metadata)
        found = connections.load_numbered(self.db, number)
        if found is None:
            return None
        chosen = (name or found.terms.name)[:MAX_NAME]
        terms = replace(found.terms, name=chosen, metadata=metadata)
        connections.save_terms(self.db, number, terms)
        return replace(found, terms=terms)

    @turn
    def remove(self, resource: str, *, now: int) -> Removed | None:
        """Forget a connection, and everything that is on its way to it (I-32).

        Its tokens are noted to be revoked in the same turn (I-40).

        Args:
            resource: Its identifier.
            now: The time of the turn.

        Returns:
            None if the connection does not exist.
        """
        attempts.forget_for(self.db, resource)
        found = connections.load_of(self.db, resource)
        if found is None:
            return None
        self._note(ConnectionEvent.REMOVED, resource, now=now)
        number = self._owe(owed.owe_connection(self.db, found))
        connections.delete(self.db, found.number)
        return Removed(owed=number)
