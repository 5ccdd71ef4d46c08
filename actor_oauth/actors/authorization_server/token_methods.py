"""Tokens: the endpoints that clients call, and methods for an application."""

from collections.abc import Callable, Mapping, Sequence

from actor_oauth.actors.authorization_server.parts import ServerParts
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import AccessTokenInfo, TokenResponse
from actor_oauth.oauth.wire import WireError


class TokenMethods(ServerParts):
    """Part of `AuthorizationServer`."""

    async def token(
        self,
        form: Parameters,
        authorization: str | None,
        *,
        proofs: Sequence[str] = (),
    ) -> TokenResponse | WireError:
        """Answer a token request.

        Args:
            form: Parsed.
            authorization: The `Authorization` header.
            proofs: The values of all `DPoP` header lines.
        """
        return await self._token_endpoint.token(form, authorization, proofs)

    def watch_tokens(self, watcher: Callable[[str], None]) -> None:
        """Call something whenever the token endpoint has made tokens.

        Args:
            watcher: Given the grant type, one of those that this server offers. Returns
                soon and raises nothing.
        """
        self._token_endpoint.watch(watcher)

    async def revoke(
        self, form: Parameters, authorization: str | None
    ) -> WireError | None:
        """Answer a revocation request (RFC 7009); None is success."""
        return await self._token_status.revoke(form, authorization)

    async def introspect(
        self, form: Parameters, authorization: str | None
    ) -> Mapping[str, Json] | WireError:
        """Answer an introspection request (RFC 7662); a mapping is the 200's JSON."""
        return await self._token_status.introspect(form, authorization)

    async def validate_token(self, resource: str, token: str) -> AccessTokenInfo | None:
        """Give what an access token allows at a resource; None if nothing.

        This joins the authorization server to a resource server. Each check asks the
        owner what is committed, so a revocation holds at once (G12).
        """
        return await self._access_tokens.validate(resource, token)

    async def unwrap_token(self, token: str) -> AccessTokenInfo | None:
        """Give the facts of an access token of any resource; None if it is invalid.

        For the application itself. A resource asks `validate_token`, which compares the
        audience.
        """
        return await self._access_tokens.unwrap(token)

    async def accept_proof(self, token: str, proof: Proof) -> Refused | None:
        """Accept a DPoP proof that came with an access token, once; or refuse it.

        It is remembered by the token's owner: of any number of copies one is accepted.
        """
        return await self._access_tokens.accept_proof(token, proof)

    def proof_nonces(self) -> Sequence[str] | None:
        """The nonces that resource servers accept; None if they need not ask for one."""
        return self._access_tokens.proof_nonces()

    async def exchange_token(
        self,
        token: str,
        *,
        scope: Scope | None = None,
        resource: str | None = None,
        expires_in: int | None = None,
    ) -> TokenResponse | Refused:
        """Exchange a client's access token for one that can do less (RFC 8693).

        Args:
            token: An access token that lives.
            scope: At most what it has; None for all of it.
            resource: One that it covers or may be exchanged for; None for its own.
            expires_in: The longest life in seconds; never more than the token has left.
        """
        return await self._token_endpoint.exchange(
            token, scope=scope, resource=resource, expires_in=expires_in
        )
