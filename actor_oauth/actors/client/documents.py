"""What a client publishes about itself, kept in the client's own actor.

A client known by the URL of its metadata document has no registration until a document
was fetched and accepted. Then it is a client like any other, with the document stored
beside it: as the bytes that were received, so that it can be checked again.

Rule 1: only what was found good is stored. A failure is remembered nowhere.
Rule 2: a client that was registered, disabled or deleted here is never made, changed
or revived by a document (B-05).
"""

from dataclasses import dataclass, replace

from actor_oauth.actors.client.registration import load_registration, save_registration
from actor_oauth.actors.documents import (
    StoredDocument,
    begin_renewal,
    forget_document,
    load_document,
    save_document,
)
from actor_oauth.oauth.client_lifecycle import ClientEvent, ClientState, advance
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.metadata_document import CacheTimes
from actor_oauth.runtime import Actor, turn, view


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What is known under a client id that is a URL.

    Attributes:
        state: Where the client stands here.
        client: As stored; None unless it is active.
        document: What it was last read from, if that is kept.
    """

    state: ClientState
    client: Client | None
    document: StoredDocument | None

    @property
    def is_settled(self) -> bool:
        """Whether the document is ignored: the client is registered here, or ended."""
        return _is_settled(self.state, self.client)


def _is_settled(state: ClientState, client: Client | None) -> bool:
    if client is None:
        return state is not ClientState.ABSENT
    return client.origin != "metadata-document"


class PublishedMetadata(Actor, kind="client"):
    """The part of a client's actor that keeps what the client publishes."""

    @view
    def published(self) -> Published:
        """Give what is known of the client."""
        registration = load_registration(self.db)
        return Published(
            state=registration.state,
            client=registration.client,
            document=load_document(self.db, "metadata"),
        )

    @turn(creates=True)
    def remember_metadata(
        self, client: Client, body: bytes, times: CacheTimes, *, now: int
    ) -> Client | None:
        """Store what a document says about the client.

        Args:
            client: As decided from the document.
            body: The document.
            times: How long it may be used.
            now: The time of the turn.

        Returns:
            The client with its epoch; None if a document has no say here.
        """
        registration = load_registration(self.db)
        known = registration.client
        if _is_settled(registration.state, known):
            return None
        state = advance(registration.state, ClientEvent.REGISTERED)
        if known is None or known.jwks_uri != client.jwks_uri:
            forget_document(self.db, "keys")
        epoch = max(1, registration.epoch)
        # Kept at least as long as it may be used, and longer if a user granted it
        # something: see `enlist`.
        expires_at = max(registration.expires_at or 0, times.usable_until)
        save_registration(
            self.db,
            replace(
                registration,
                state=state or registration.state,
                epoch=epoch,
                record=client.to_record(),
                expires_at=expires_at,
            ),
        )
        save_document(self.db, "metadata", body, times, now=now)
        self.wake_by(expires_at)
        return replace(client, epoch=epoch)

    @turn
    def drop_metadata(self) -> None:
        """Forget the document: the client has withdrawn it, or made it unusable."""
        forget_document(self.db, "metadata")

    @view
    def stored_keys(self) -> StoredDocument | None:
        """Give the key set that was fetched, or None."""
        return load_document(self.db, "keys")

    @turn
    def begin_renewal(self, *, now: int) -> bool:
        """Allow keys that are still fresh to be refetched, but not too often (E-14)."""
        return begin_renewal(self.db, "keys", now=now)

    @turn
    def remember_keys(self, body: bytes, times: CacheTimes, *, now: int) -> None:
        """Store a key set, if there is an active client."""
        if load_registration(self.db).client is not None:
            save_document(self.db, "keys", body, times, now=now)
