"""Clients: looked up, registered, authenticated and deleted, each at its own actor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actor_oauth.actors.assertion_authentication import AssertionAuthentication
from actor_oauth.actors.client import ClientActor
from actor_oauth.actors.client.secret import compare_secret, hash_client_secret
from actor_oauth.actors.directory import CLIENTS, DirectoryActor
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.passwords import Passwords
from actor_oauth.actors.publications import Publications
from actor_oauth.oauth.client_authentication import (
    Credentials,
    decide_client_authentication,
    parse_client_credentials,
)
from actor_oauth.oauth.client_credentials import decide_service_client
from actor_oauth.oauth.client_update import ClientChanges
from actor_oauth.oauth.clients import (
    CLIENT_ID_BYTES,
    GRANT_TYPES,
    Client,
    new_client_id,
)
from actor_oauth.oauth.grant_types import (
    DEVICE_CODE,
    IMPLICIT,
    JWT_BEARER,
    TOKEN_EXCHANGE,
    enabled_grant_types,
)
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.keyring import client_key
from actor_oauth.oauth.metadata_document import is_document_url
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.registration import (
    Registered,
    decide_client,
    registration_response,
)
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import NO_RECORD, SECRET_LENGTH, Token, TokenKind
from actor_oauth.oauth.wire import Reason, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClient:
    """A client that was just registered.

    Attributes:
        client: As it was registered.
        secret: Shown this once; None for a public client.
    """

    client: Client
    secret: str | None

    def to_json(self) -> dict[str, Json]:
        """The response of RFC 7591 §3.2.1, with everything as registered (B-22)."""
        return registration_response(self.client, self.secret)


class Clients:
    """The clients of one server."""

    def __init__(
        self,
        effects: Effects,
        passwords: Passwords,
        publications: Publications | None = None,
    ) -> None:
        self._effects = effects
        self._passwords = passwords
        self._publications = publications
        self._assertions = AssertionAuthentication(effects, publications)

    def actor(self, client_id: str) -> ClientActor:
        """The actor of a client, which need not exist."""
        return self._effects.system.get(ClientActor, client_key(client_id))

    async def lookup(self, client_id: str) -> Client | None:
        """Give a client; None if it does not exist, or is disabled."""
        client = await self.find(client_id)
        return None if isinstance(client, Refused) else client

    async def find(self, client_id: str) -> Client | Refused:
        """The client, registered here or else published, or why there is none (B-05)."""
        if self._publications is not None and is_document_url(
            client_id, self._effects.policy
        ):
            return await self._publications.client(client_id)
        client = (await self.actor(client_id).registration()).client
        if client is None or client.client_id != client_id:
            return Refused(Reason.CLIENT_UNKNOWN)
        # A document is of no use to a server that does not ask for it again.
        if client.origin == "metadata-document":
            return Refused(Reason.CLIENT_UNKNOWN)
        return client

    async def authenticate(
        self, form: Parameters, authorization: str | None
    ) -> Client | Refused:
        """Who sends this form, or why that is not believed (E-01 to E-08)."""
        credentials = parse_client_credentials(form, authorization)
        if isinstance(credentials, Refused):
            return credentials
        if credentials.assertion is not None:
            client = await self.find(credentials.client_id)
            if isinstance(client, Refused):
                return client
            return await self._assertions.authenticate(credentials.assertion, client)
        if is_document_url(credentials.client_id, self._effects.policy):
            client = await self.find(credentials.client_id)
            if isinstance(client, Refused):
                return client
            if client.origin == "metadata-document":
                return decide_client_authentication(
                    credentials, client, secret_matches=False
                )
        return await self._authenticate_by_secret(credentials)

    async def _authenticate_by_secret(
        self, credentials: Credentials
    ) -> Client | Refused:
        actor = self.actor(credentials.client_id)
        found = compare_secret(await actor.registration(), credentials.secret)
        matches = found.secret_matches
        if found.password_hash is not None and credentials.secret is not None:
            matches = await self._passwords.verify(
                found.password_hash, credentials.secret
            )
        if found.retires_previous:
            await actor.retire_secret(hash_client_secret(credentials.secret))
        return decide_client_authentication(
            credentials, found.client, secret_matches=matches
        )

    async def create(
        self,
        *,
        client_name: str,
        redirect_uris: Sequence[str],
        confidential: bool = False,
        scope: Scope | None = None,
        assertions: bool = False,
        metadata: Mapping[str, Json] | None = None,
    ) -> NewClient | Refused:
        """Register a client on the operator's behalf: it never expires (B-05)."""
        effects = self._effects
        missing = _switched_off(metadata or {}, effects.policy)
        if missing is not None:
            return Refused(Reason.SETTING_OFF, f"{missing} is off")
        if assertions and JWT_BEARER not in enabled_grant_types(effects.policy):
            return Refused(Reason.GRANT_TYPE_UNSUPPORTED)
        members: dict[str, Json] = {
            "client_name": client_name,
            "redirect_uris": list(redirect_uris),
            "grant_types": [*GRANT_TYPES] if redirect_uris else [],
        }
        if not confidential:
            members["token_endpoint_auth_method"] = "none"  # noqa: S105 - a word of RFC 7591
        if scope is not None:
            members["scope"] = str(scope)
        members |= metadata or {}
        grant_types = members["grant_types"]
        if assertions and isinstance(grant_types, list):
            members["grant_types"] = [*grant_types, JWT_BEARER]
        decision = decide_client(
            members,
            effects.policy,
            client_id=self.new_id(),
            now=effects.now(),
            origin="pre-registered",
        )
        if isinstance(decision, Refused):
            return decision
        return await self.store(decision, unused_lifetime=None)

    async def create_service(
        self, *, client_name: str, scope: Scope, resources: Sequence[str]
    ) -> NewClient | Refused:
        """Register a client that acts for itself, on the operator's behalf (D-34)."""
        effects = self._effects
        decision = decide_service_client(
            client_id=self.new_id(),
            client_name=client_name,
            scope=scope,
            resources=tuple(resources),
            policy=effects.policy,
            now=effects.now(),
        )
        if isinstance(decision, Refused):
            return decision
        return await self.store(decision, unused_lifetime=None)

    async def update(self, client_id: str, changes: ClientChanges) -> Client | Refused:
        """Change a client on the operator's behalf."""
        return await self.actor(client_id).update(changes, policy=self._effects.policy)

    async def rotate_secret(self, client_id: str) -> str | None:
        """Give a client another secret; None if it has none."""
        secret = self._draw_secret(client_id)
        rotated = await self.actor(client_id).rotate_secret(hash_client_secret(secret))
        return secret if rotated else None

    async def set_disabled(self, client_id: str, *, disabled: bool) -> bool:
        """Disable a client, with every grant of it, or enable it again."""
        now = self._effects.now()
        changed = await self.actor(client_id).set_disabled(disabled=disabled, now=now)
        await self.revoke_all(client_id)
        return changed

    async def delete(self, client_id: str) -> bool:
        """Delete a client and revoke every grant of it, over all users, durably (B-36).

        Returns:
            False if there was none.
        """
        deleted = await self.actor(client_id).delete(now=self._effects.now())
        # Also for a client that is deleted already: that deletion may not be through.
        await self.revoke_all(client_id)
        return deleted

    async def revoke_all(self, client_id: str) -> None:
        """See the end of a client, or of an epoch of it, through to every user."""
        actor = self.actor(client_id)
        while await actor.revoke_enlisted(now=self._effects.now()):
            await self._effects.system.delivered(actor)
        await self._effects.system.delivered(actor)

    async def listed(
        self, *, cursor: str | None = None, limit: int = 100
    ) -> tuple[list[Client], str | None]:
        """Clients, oldest first, with the cursor of the next page or None."""
        directory = self._effects.system.get(DirectoryActor, CLIENTS)
        page = await directory.page(cursor=cursor, limit=limit)
        # As they are kept: listing clients asks nobody on the web.
        found = [await self.actor(entry.entry_id).client() for entry in page.entries]
        return [client for client in found if client is not None], page.next_cursor

    async def enlist(
        self, client_id: str, user_key: str, *, granted: Scope | None = None
    ) -> int | Refused:
        """Have the client know of a grant that is about to begin (B-36).

        Args:
            client_id: The client's.
            user_key: Whose grant it is.
            granted: What the user allows; None if nothing new is granted.

        Returns:
            The client's epoch, for the grant; Refused if there is no such client, or it
            may not be granted that any more.
        """
        lifetimes = self._effects.policy.lifetimes
        return await self.actor(client_id).enlist(
            user_key,
            now=self._effects.now(),
            granted=granted,
            grant_lifetime=lifetimes.refresh_absolute + lifetimes.consent,
        )

    async def store(
        self,
        decision: Registered,
        *,
        unused_lifetime: int | None,
        access_hash: bytes | None = None,
    ) -> NewClient:
        """Store a client as decided, with a secret if it needs one.

        Args:
            decision: With an id from `new_id`.
            unused_lifetime: See `ClientActor.register`.
            access_hash: Of the registration access token.
        """
        client = decision.client
        secret: str | None = None
        secret_hash: bytes | None = None
        if decision.needs_secret:
            secret = self._draw_secret(client.client_id)
            secret_hash = hash_client_secret(secret)
        actor = self.actor(client.client_id)
        await actor.register(
            client,
            secret_hash=secret_hash,
            now=self._effects.now(),
            unused_lifetime=unused_lifetime,
            access_hash=access_hash,
        )
        return NewClient(client=client, secret=secret)

    def _draw_secret(self, client_id: str) -> str:
        return Token(
            TokenKind.CLIENT_SECRET,
            client_key(client_id),
            NO_RECORD,
            self._effects.entropy.token_bytes(SECRET_LENGTH),
        ).render()

    def new_id(self) -> str:
        """An id that nobody has yet."""
        return new_client_id(self._effects.entropy.token_bytes(CLIENT_ID_BYTES))


def _switched_off(metadata: Mapping[str, Json], policy: Policy) -> str | None:
    """Give the setting without which part of an operator's metadata has no effect."""
    asked = metadata.get("grant_types")
    grant_types = asked if isinstance(asked, list) else []
    needed = (
        ("implicit_enabled", IMPLICIT in grant_types, policy.implicit_enabled),
        (
            "device_authorization_enabled",
            DEVICE_CODE in grant_types,
            policy.device_authorization_enabled,
        ),
        (
            "token_exchange_enabled",
            TOKEN_EXCHANGE in grant_types,
            policy.token_exchange_enabled,
        ),
        ("plain_pkce_enabled", "plain_pkce" in metadata, policy.plain_pkce_enabled),
        (
            "openid_enabled",
            "post_logout_redirect_uris" in metadata,
            policy.openid_enabled,
        ),
    )
    return next((name for name, used, on in needed if used and not on), None)
