"""What an application does with tokens by a call: the part of `AuthorizationServer`."""

from collections.abc import Sequence

from actor_oauth.actors.accounts import Accounts
from actor_oauth.actors.device_authorizations import DeviceAuthorizations
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.token_endpoint import TokenEndpoint
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import AccessTokenInfo, TokenResponse


class TokenMethods:
    """See `AuthorizationServer`, which sets these up."""

    _effects: Effects
    _accounts: Accounts
    _token_endpoint: TokenEndpoint

    @property
    def devices(self) -> DeviceAuthorizations:
        """Device authorizations: asked for, put to a person, answered (RFC 8628)."""
        return self._token_endpoint.devices

    async def unwrap_token(self, token: str) -> AccessTokenInfo | None:
        """What an access token says, whichever resource it is for; None if it is dead.

        For the application itself. A resource asks `validate_token`, which compares the
        audience.
        """
        return await self._token_endpoint.unwrap(token)

    async def accept_proof(self, token: str, proof: Proof) -> Refused | None:
        """Accept a DPoP proof that came with an access token, once; or refuse it.

        It is remembered by the token's owner: of any number of copies one is accepted.
        """
        return await self._token_endpoint.accept_proof(token, proof)

    def proof_nonces(self) -> Sequence[str] | None:
        """The nonces that resource servers accept; None if they need not ask for one."""
        return self._token_endpoint.proof_nonces()

    async def exchange_token(
        self,
        token: str,
        *,
        scope: Scope | None = None,
        resource: str | None = None,
        expires_in: int | None = None,
    ) -> TokenResponse | Refused:
        """Make a lesser token of an access token (RFC 8693), for the client that has it.

        Args:
            token: An access token that lives.
            scope: At most what it has; None for all of it.
            resource: One that it covers or may be exchanged for; None for its own.
            expires_in: The longest life in seconds; never more than the token has left.
        """
        return await self._token_endpoint.exchange(
            token, scope=scope, resource=resource, expires_in=expires_in
        )

    async def purge(self, *, cursor: str | None = None, limit: int = 100) -> str | None:
        """Erase what is over, for some users: what their alarms do by themselves later.

        Args:
            cursor: From the call before; None to begin.
            limit: Users at most.

        Returns:
            The cursor to go on with; None when all were visited.
        """
        page = await self._accounts.listed(cursor=cursor, limit=limit)
        for entry in page.entries:
            await self._accounts.actor(entry.entry_id).purge(now=self._effects.now())
        return page.next_cursor
