"""The actor of one registered client.

It owns the registration, the hash of the secret, and the list of users whose grants
exist for this client. Ending the client, or an epoch of it, goes in this order (K-10):

1. The end is written down. From then on `enlist` refuses, and no grant begins without
   having enlisted first.
2. Every user enlisted until then is told through the outbox to revoke the client's
   grants and to refuse the epochs that have ended. A grant that was under way between
   enlisting and its commit meets that tombstone in the user's own turn (B-36).

A client that is deleted forgets who it was once all of them are told.

Users are told in batches, the first in the ending turn itself and each further one by
alarm, so that the end of a popular client neither blocks its actor nor gets lost in a
crash. `revoke_enlisted` lets a caller drive the batches who must not answer before all
are on their way.
"""

import hmac
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

from actor_oauth.actors.client_assertions import AssertionMemory, purge_assertions
from actor_oauth.actors.client_documents import PublishedMetadata, forget_documents
from actor_oauth.actors.client_management import (
    ManagedRegistration,
    close_access,
    open_access,
)
from actor_oauth.actors.client_registration import (
    Registration,
    load_registration,
    save_registration,
)
from actor_oauth.actors.client_schema import CLIENT_MIGRATIONS
from actor_oauth.actors.client_tokens import TokenHolder, forget_tokens
from actor_oauth.actors.directory import CLIENTS, DirectoryActor
from actor_oauth.actors.pushed_requests import PushedRequests, delete_pushed_requests
from actor_oauth.actors.user import UserActor
from actor_oauth.oauth.client_lifecycle import ClientEvent, ClientState, advance
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.tokens import (
    NO_RECORD,
    Token,
    TokenKind,
    parse_token,
    token_hash,
)
from actor_oauth.oauth.wire import Reason, Refused
from actor_oauth.runtime import turn, view

# Compared with where there is no secret. Neither is the hash of the other.
_NO_HASH: Final = bytes(32)
_NO_TOKEN: Final = Token(TokenKind.CLIENT_SECRET, "0" * 32, NO_RECORD, bytes(32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """What the client's actor says to presented credentials.

    Attributes:
        client: None unless there is an active client.
        secret_matches: Whether the presented secret is the client's.
        password_hash: Set if the stored secret was chosen or imported by a person and
            is hashed with argon2, for the caller to verify in a thread: that takes too
            long for a turn.
    """

    client: Client | None
    secret_matches: bool
    password_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientStatus:
    """What an operator sees of a client.

    Attributes:
        client: As registered.
        state: Where the registration stands.
        users: How many users have granted this client something.
        expires_at: When it is deleted unless it is used before; None for never.
    """

    client: Client
    state: ClientState
    users: int
    expires_at: int | None


def hash_client_secret(secret: str | None) -> bytes:
    """Give the stored form of a random client secret, and some hash for any other text.

    One round is enough: nobody can try 256 random bits (K-02).
    """
    return token_hash(parse_token(secret or "") or _NO_TOKEN)


class ClientActor(
    TokenHolder,
    PushedRequests,
    PublishedMetadata,
    AssertionMemory,
    ManagedRegistration,
    kind="client",
):
    """Owns one client. Its key is the hash of the client id.

    Attributes:
        revocation_batch: Users told in one turn that an epoch has ended.
    """

    migrations = CLIENT_MIGRATIONS
    revocation_batch: ClassVar[int] = 500

    @turn(creates=True)
    def register(
        self,
        client: Client,
        *,
        secret_hash: bytes | str | None,
        now: int,
        unused_lifetime: int | None = None,
        access_hash: bytes | None = None,
    ) -> bool:
        """Store a new client, and list it in the directory.

        Args:
            client: As decided.
            secret_hash: From `hash_client_secret` for a random secret, an argon2 text
                for one that a person chose, None for a public client.
            now: The time of the turn.
            unused_lifetime: Seconds after which a client that nobody authorized is
                deleted (B-30); None for a client that stays.
            access_hash: Of the token with which the client manages its registration;
                None if it cannot.

        Returns:
            False if the id is taken, or was: nothing is changed then.
        """
        state = advance(load_registration(self.db).state, ClientEvent.REGISTERED)
        if state is None:
            return False
        expires_at = None if unused_lifetime is None else now + unused_lifetime
        save_registration(
            self.db,
            Registration(
                state=state,
                epoch=1,
                ended_epoch=0,
                record=client.to_record(),
                secret_hash=secret_hash,
                expires_at=expires_at,
            ),
        )
        if access_hash is not None:
            open_access(self.db, access_hash)
        self.set_alarm(expires_at)
        self.send(
            DirectoryActor,
            CLIENTS,
            DirectoryActor.add,
            entry_id=client.client_id,
            created_at=client.issued_at,
        )
        return True

    @view
    def client(self) -> Client | None:
        """Give the client, with its current epoch; None unless it is active."""
        return load_registration(self.db).client

    @view
    def status(self) -> ClientStatus | None:
        """Give what an operator sees; None if there is, or is left, no client."""
        registration = load_registration(self.db)
        client = registration.stored_client
        if client is None or registration.state is ClientState.DELETED:
            return None
        (users,) = self.db.execute(
            "SELECT count(*) FROM users WHERE epoch = ?", (registration.epoch,)
        ).fetchone()
        return ClientStatus(
            client=client,
            state=registration.state,
            users=users,
            expires_at=registration.expires_at,
        )

    @view
    def authenticate(self, secret: str | None) -> Authentication:
        """Compare a presented secret in constant time.

        An unknown client costs the same work as a known one (K-03, E-08).
        """
        registration = load_registration(self.db)
        client, stored = registration.client, registration.secret_hash
        if isinstance(stored, str) and client is not None:
            return Authentication(
                client=client, secret_matches=False, password_hash=stored
            )
        expected = stored if isinstance(stored, bytes) else _NO_HASH
        equal = hmac.compare_digest(hash_client_secret(secret), expected)
        return Authentication(
            client=client, secret_matches=equal and client is not None
        )

    @turn
    def enlist(
        self, user_key: str, *, now: int, grant_lifetime: int | None = None
    ) -> int | Refused:
        """Remember that a user is about to hold a grant of this client.

        Args:
            user_key: The user's.
            now: The time of the turn.
            grant_lifetime: Seconds that the grant can live at most, with the time until
                it begins. A client that expires unused does not expire within them, so
                that it outlives every grant without having to ask the users (B-30).

        Returns:
            The client's epoch, for the grant; Refused unless the client is active.
        """
        registration = load_registration(self.db)
        if registration.state is not ClientState.ACTIVE:
            return Refused(Reason.CLIENT_UNKNOWN)
        self._list_if_published(registration)
        self.db.execute(
            "INSERT OR IGNORE INTO users VALUES (?, ?)", (user_key, registration.epoch)
        )
        expires_at = registration.expires_at
        if expires_at is not None and grant_lifetime is not None:
            expires_at = max(expires_at, now + grant_lifetime)
            save_registration(self.db, replace(registration, expires_at=expires_at))
        return registration.epoch

    @turn
    def set_disabled(self, *, disabled: bool, now: int) -> bool:
        """Disable the client, with the end of all its grants, or enable it again.

        Returns:
            False if there is no such client, or it is so already.
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
            False if there is no such client.
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

    def on_alarm(self, *, now: int) -> None:
        """Tell the next users, or delete a client that nobody used for too long."""
        registration = load_registration(self.db)
        expires_at = registration.expires_at
        if expires_at is not None and expires_at <= now:
            self._expire(registration, now=now)
        else:
            self._tell_users(registration, now=now)
        self.wake_by(delete_pushed_requests(self.db, now=now))
        self.wake_by(purge_assertions(self.db, now=now))
        self.purge_tokens(now=now)

    def client_in_force(self) -> Client | None:
        """Give the client with its current epoch; None unless it is active."""
        return load_registration(self.db).client

    def _list_if_published(self, registration: Registration) -> None:
        """List a client that published itself, once somebody is about to use it."""
        client = registration.stored_client
        if client is None or client.origin != "metadata-document":
            return
        if self.db.execute("SELECT 1 FROM users LIMIT 1").fetchone() is None:
            self.send(
                DirectoryActor,
                CLIENTS,
                DirectoryActor.add,
                entry_id=client.client_id,
                created_at=client.issued_at,
            )

    def _expire(self, registration: Registration, *, now: int) -> None:
        """End a client that nobody used for longer than any grant of it can live."""
        client = registration.stored_client
        state = advance(registration.state, ClientEvent.FORGOTTEN)
        if client is None or client.origin != "metadata-document" or state is None:
            self.delete_registration(now=now)
            return
        # Not deleted: whoever comes with its URL later gets a new look at the document.
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
        self.set_alarm(now if more else registration.expires_at)
        if registration.state is ClientState.DELETED and not more:
            # Only the id was still needed, to tell users who had gone.
            save_registration(self.db, replace(registration, record=None))
        return more
