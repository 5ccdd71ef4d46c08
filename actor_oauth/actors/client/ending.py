"""How a client ends, in the client's actor.

Ending the client, or an epoch of it, goes in this order (K-10):

1. The end is recorded. From then on `enlist` refuses, and no grant begins without
   having enlisted first.
2. Every user enlisted until then is told through the outbox to revoke the client's
   grants and to refuse the epochs that have ended. A grant that was under way between
   enlisting and its commit meets that tombstone in the user's own turn (B-36).

A client that is deleted forgets its registration once all of them have been told.

Users are told in batches, the first in the ending turn itself and each further one by
alarm, so that the end of a popular client neither blocks its actor nor gets lost in a
crash. `revoke_enlisted` lets a caller that must not answer earlier drive the batches
until all have been sent.
"""

from dataclasses import replace
from typing import ClassVar

from actor_oauth.actors.client.management import close_access
from actor_oauth.actors.client.registration import (
    Registration,
    load_registration,
    save_registration,
)
from actor_oauth.actors.client.tokens import forget_tokens
from actor_oauth.actors.directory import CLIENTS, DirectoryActor
from actor_oauth.actors.documents import forget_documents
from actor_oauth.actors.user import UserActor
from actor_oauth.oauth.client_lifecycle import ClientEvent, ClientState, advance
from actor_oauth.runtime import Actor, turn


class ClientEnding(Actor, kind="client"):
    """The part of a client's actor that ends the client.

    Attributes:
        revocation_batch: How many users are told in one turn that an epoch has ended.
    """

    revocation_batch: ClassVar[int] = 500

    @turn
    def set_disabled(self, *, disabled: bool, now: int) -> bool:
        """Disable the client, with the end of all its grants, or enable it again.

        Returns:
            False if the client does not exist, or is so already.
        """
        event = ClientEvent.DISABLED if disabled else ClientEvent.ENABLED
        registration = load_registration(self.db)
        state = advance(registration.state, event)
        if state is None:
            return False
        # What an operator has touched does not expire any more.
        registration = replace(registration, state=state, expires_at=None)
        if disabled:
            self._end(registration, now=now)
        else:
            save_registration(
                self.db, replace(registration, epoch=registration.epoch + 1)
            )
        return True

    @turn
    def delete(self, *, now: int) -> bool:
        """Delete the client: id and secret are dead when this returns (B-34).

        To promise that its grants are dead too, call `revoke_enlisted` until nobody is
        left, and wait until the outbox has delivered.

        Returns:
            False if the client does not exist.
        """
        return self.delete_registration(now=now)

    @turn
    def revoke_enlisted(self, *, now: int) -> bool:
        """Tell the next batch of users that an epoch has ended.

        Returns:
            Whether there are more of them to tell.
        """
        registration = load_registration(self.db)
        if registration.state is ClientState.ABSENT:
            return False
        return self._tell_users(registration, now=now)

    def _expire(self, registration: Registration, *, now: int) -> None:
        """End a client that nobody used for longer than any grant of it can live."""
        client = registration.stored_client
        state = advance(registration.state, ClientEvent.FORGOTTEN)
        if client is None or client.origin != "metadata-document" or state is None:
            self.delete_registration(now=now)
            return
        # Not deleted: a later request with its URL fetches the document again.
        save_registration(
            self.db, replace(registration, state=state, record=None, expires_at=None)
        )
        self.db.execute("DELETE FROM users")
        forget_documents(self.db)
        self.send(
            DirectoryActor, CLIENTS, DirectoryActor.remove, entry_id=client.client_id
        )

    def delete_registration(self, *, now: int) -> bool:
        """Delete the client, inside a turn; False if there is none."""
        registration = load_registration(self.db)
        client = registration.stored_client
        state = advance(registration.state, ClientEvent.DELETED)
        if state is None or client is None:
            return False
        close_access(self.db)
        self._end(
            replace(registration, state=state, secret_hash=None, expires_at=None),
            now=now,
        )
        self.send(
            DirectoryActor, CLIENTS, DirectoryActor.remove, entry_id=client.client_id
        )
        return True

    def _end(self, registration: Registration, *, now: int) -> None:
        ended = replace(registration, ended_epoch=registration.epoch)
        save_registration(self.db, ended)
        self.db.execute("DELETE FROM pushed_requests")
        forget_tokens(self.db)
        forget_documents(self.db)
        self._tell_users(ended, now=now)

    def _tell_users(self, registration: Registration, *, now: int) -> bool:
        ended = registration.ended_epoch
        rows: list[tuple[str, int]] = self.db.execute(
            "SELECT user_key, epoch FROM users WHERE epoch <= ? LIMIT ?",
            (ended, self.revocation_batch + 1),
        ).fetchall()
        batch, more = rows[: self.revocation_batch], len(rows) > self.revocation_batch
        client = registration.stored_client
        if client is not None:
            for user_key, _ in batch:
                self.send(
                    UserActor,
                    user_key,
                    UserActor.revoke_client,
                    client_id=client.client_id,
                    epoch=ended,
                    now=now,
                )
        self.db.executemany("DELETE FROM users WHERE user_key = ? AND epoch = ?", batch)
        # What else is to be purged later may have asked for an earlier time.
        self.wake_by(now if more else registration.expires_at)
        if registration.state is ClientState.DELETED and not more:
            # Only the id was still needed, to tell users who had gone.
            save_registration(self.db, replace(registration, record=None))
        return more
