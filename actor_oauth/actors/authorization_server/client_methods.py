"""Clients: looking them up, registering and deleting them."""

from collections.abc import Mapping, Sequence

from actor_oauth.actors.authorization_server.parts import ServerParts
from actor_oauth.actors.client import ClientStatus
from actor_oauth.actors.clients import NewClient
from actor_oauth.oauth.client_update import ClientChanges
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.wire import WireError, to_wire


class ClientMethods(ServerParts):
    """Part of `AuthorizationServer`."""

    async def lookup_client(self, client_id: str) -> Client | None:
        """Give a client; None if it does not exist, or is disabled."""
        return await self._clients.lookup(client_id)

    async def create_client(
        self,
        *,
        client_name: str,
        redirect_uris: Sequence[str],
        confidential: bool = False,
        scope: Scope | None = None,
        assertions: bool = False,
        metadata: Mapping[str, Json] | None = None,
    ) -> NewClient | Refused:
        """Register a client on the operator's behalf. Its secret is only shown now.

        Args:
            client_name: Shown on consent pages.
            redirect_uris: Exact, but for the port of loopback ones.
            confidential: Whether it gets a secret.
            scope: The most that it may be granted; None for no limit.
            assertions: Whether it may present assertions of trusted issuers. If that is
                all that it does, it needs no redirect URI.
            metadata: More about it, in the words of RFC 7591 and OpenID Connect, such as
                `post_logout_redirect_uris`; `plain_pkce` lets it use that (legacy).
        """
        return await self._clients.create(
            client_name=client_name,
            redirect_uris=redirect_uris,
            confidential=confidential,
            scope=scope,
            assertions=assertions,
            metadata=metadata,
        )

    async def create_service_client(
        self, *, client_name: str, scope: Scope, resources: Sequence[str] = ()
    ) -> NewClient | Refused:
        """Register a client that gets tokens for itself, never for a user.

        Args:
            client_name: For listings.
            scope: The most that it may ask for.
            resources: Those that it may ask for; none means all of this server.
        """
        return await self._clients.create_service(
            client_name=client_name, scope=scope, resources=resources
        )

    async def update_client(
        self,
        client_id: str,
        *,
        client_name: str | None = None,
        redirect_uris: Sequence[str] | None = None,
        scope: Scope | None = None,
        any_scope: bool = False,
        resources: Sequence[str] | None = None,
    ) -> Client | Refused:
        """Change a client on the operator's behalf; None leaves a value as it is.

        Existing grants stay as they are: to end them, use `set_client_disabled`, or
        `delete_client`.

        Args:
            client_id: Of a client that is registered here, not one that publishes itself.
            client_name: Shown on consent pages.
            redirect_uris: Replace all existing ones.
            scope: The most that it may be granted from now on.
            any_scope: Whether to remove the limit.
            resources: Of a service client: those that it may ask for; none means all.

        Returns:
            The client as it is now; Refused if there is none, or it cannot be so.
        """
        changes = ClientChanges(
            client_name=client_name,
            redirect_uris=None if redirect_uris is None else tuple(redirect_uris),
            scope=scope,
            any_scope=any_scope,
            resources=None if resources is None else tuple(resources),
        )
        return await self._clients.update(client_id, changes)

    async def rotate_client_secret(self, client_id: str) -> str | None:
        """Generate a new secret for a client, shown only this once.

        The one before stays good until the new one is used for the first time (B-35).

        Returns:
            None if the client does not exist, or has no secret.
        """
        return await self._clients.rotate_secret(client_id)

    async def set_client_disabled(self, client_id: str, *, disabled: bool) -> bool:
        """Disable a client, ending all its grants, or enable it again.

        Returns:
            False if it is so already, or there is none.

        Raises:
            OverloadedError: As for `delete_client`.
        """
        return await self._clients.set_disabled(client_id, disabled=disabled)

    async def client_status(self, client_id: str) -> ClientStatus | None:
        """Give what an operator sees of a client, in any state; None without one."""
        return await self._clients.actor(client_id).status()

    async def delete_client(self, client_id: str) -> bool:
        """Delete a client. All its grants, for all users, have ended on return.

        Returns:
            False if there was none.

        Raises:
            OverloadedError: If the revocations take longer than the call deadline. The
                client has ended and they continue; calling again waits for them again.
        """
        return await self._clients.delete(client_id)

    async def list_clients(
        self, *, cursor: str | None = None, limit: int = 100
    ) -> tuple[list[Client], str | None]:
        """Clients, oldest first, with the cursor of the next page or None."""
        return await self._clients.listed(cursor=cursor, limit=limit)

    async def register(
        self, body: bytes, authorization: str | None = None
    ) -> Mapping[str, Json] | WireError:
        """Answer a registration request (RFC 7591); a mapping is the 201's JSON.

        Args:
            body: As it came.
            authorization: The header's value, for servers that want an initial access
                token.
        """
        answer = await self.registrations.register(body, authorization)
        return to_wire(answer.reason) if isinstance(answer, Refused) else answer
