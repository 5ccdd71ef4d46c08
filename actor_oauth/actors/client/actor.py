"""The actor of one registered client.

It owns the registration, the hash of the secret, and the list of users whose grants
exist for this client. Each concern with a file of its own is a base class of the actor.
"""

from dataclasses import dataclass, replace

from actor_oauth.actors.client.assertions import AssertionMemory
from actor_oauth.actors.client.documents import PublishedMetadata
from actor_oauth.actors.client.ending import ClientEnding
from actor_oauth.actors.client.logos import LogoKeeper
from actor_oauth.actors.client.management import ManagedRegistration, open_access
from actor_oauth.actors.client.operation import OperatedClient
from actor_oauth.actors.client.pushed_requests import (
    PushedRequests,
    delete_pushed_requests,
)
from actor_oauth.actors.client.registration import (
    Registration,
    load_registration,
    save_registration,
)
from actor_oauth.actors.client.schema import CLIENT_MIGRATIONS
from actor_oauth.actors.client.secret import SecretHolder
from actor_oauth.actors.client.tokens import TokenHolder
from actor_oauth.actors.directory import CLIENTS, DirectoryActor
from actor_oauth.actors.used_assertions import purge_assertions
from actor_oauth.oauth.client_lifecycle import ClientEvent, ClientState, advance
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.wire import Reason, Refused
from actor_oauth.runtime import turn, view


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


class ClientActor(
    TokenHolder,
    PushedRequests,
    PublishedMetadata,
    LogoKeeper,
    AssertionMemory,
    SecretHolder,
    ClientEnding,
    ManagedRegistration,
    OperatedClient,
    kind="client",
):
    """Owns one client. Its key is the hash of the client id."""

    migrations = CLIENT_MIGRATIONS

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
        self.wake_by(expires_at)
        self._list(client)
        return True

    @view
    def client(self) -> Client | None:
        """Give the client, with its current epoch; None unless it is active."""
        return load_registration(self.db).client

    @view
    def status(self) -> ClientStatus | None:
        """Give what an operator sees; None if the client does not exist (any more)."""
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

    @turn
    def enlist(
        self,
        user_key: str,
        *,
        now: int,
        granted: Scope | None = None,
        grant_lifetime: int | None = None,
    ) -> int | Refused:
        """Remember that a user is about to hold a grant of this client.

        Args:
            user_key: The user's.
            now: The time of the turn.
            granted: What the user allows, which may have been asked a while ago; None
                if nothing new is granted.
            grant_lifetime: Seconds that the grant can live at most, with the time until
                it begins. A client that expires unused does not expire within them, so
                that it outlives every grant without having to ask the users (B-30).

        Returns:
            The client's epoch, for the grant; Refused unless the client is active, and
            may be granted that.
        """
        registration = load_registration(self.db)
        client = registration.client
        if client is None:
            return Refused(Reason.CLIENT_UNKNOWN)
        if granted is not None and not client.may_hold(granted):
            return Refused(Reason.CLIENT_CHANGED)
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
    def purge(self, *, now: int) -> None:
        """Erase expired data, as the alarm does."""
        self.on_alarm(now=now)

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

    def _list(self, client: Client) -> None:
        """Have the directory of clients name it."""
        self.send(
            DirectoryActor,
            CLIENTS,
            DirectoryActor.add,
            entry_id=client.client_id,
            created_at=client.issued_at,
        )

    def _list_if_published(self, registration: Registration) -> None:
        """List a client that published its metadata, once it is about to be used."""
        client = registration.stored_client
        if client is None or client.origin != "metadata-document":
            return
        if self.db.execute("SELECT 1 FROM users LIMIT 1").fetchone() is None:
            self._list(client)
