"""Clients: looking them up, registering and deleting them."""

from collections.abc import Mapping, Sequence

from actor_oauth.actors.authorization_server.parts import ServerParts
from actor_oauth.actors.clients import NewClient
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.wire import WireError, to_wire


class ClientMethods(ServerParts):
    """Part of `AuthorizationServer`."""

    async def lookup_client(self, client_id: str) -> Client | None:
        """The client, or None if there is none that may ask for anything."""
        return await self._clients.lookup(client_id)

    async def create_client(
        self,
        *,
        client_name: str,
        redirect_uris: Sequence[str],
        confidential: bool = False,
        scope: Scope | None = None,
        assertions: bool = False,
    ) -> NewClient | Refused:
        """Register a client on the operator's behalf. Its secret is shown this once.

        Args:
            client_name: Shown on consent pages.
            redirect_uris: Exact, but for the port of loopback ones.
            confidential: Whether it gets a secret.
            scope: The most that it may be granted; None for no such limit.
            assertions: Whether it may present assertions of trusted issuers. If that is
                all that it does, it needs no redirect URI.
        """
        return await self._clients.create(
            client_name=client_name,
            redirect_uris=redirect_uris,
            confidential=confidential,
            scope=scope,
            assertions=assertions,
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

    async def delete_client(self, client_id: str) -> bool:
        """Delete a client. Every grant of it, over all users, is dead when this returns.

        Returns:
            False if there was none.

        Raises:
            OverloadedError: If the revocations take longer than the call deadline. The
                client is dead, they go on, and calling again waits for them again.
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
