"""The MCP Python SDK's authorization routes, over a provider that keeps all in memory.

    python -m benchmarks.peers.servers.mcp_sdk --port 8000

The SDK has the endpoints, and leaves everything that a grant is to whoever implements its
`OAuthAuthorizationServerProvider`. The one below follows the interface's documentation:
both tokens rotate, and a revocation takes both. It approves at once. Between loading a
token and exchanging it the SDK awaits nothing of its own, so on one event loop nothing
comes between; a provider on a database would have to see to that itself.
"""

from secrets import token_urlsafe
from time import time

import uvicorn
from mcp.server.auth.middleware.bearer_auth import (
    BearerAuthBackend,
    RequireAuthMiddleware,
)
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    ProviderTokenVerifier,
    RefreshToken,
    TokenError,
    construct_redirect_uri,
)
from mcp.server.auth.routes import create_auth_routes
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from benchmarks.peers.servers.minted import LIFETIME_SECONDS, SCOPE, arguments


class MemoryProvider(
    OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]
):
    """Keeps clients, codes and pairs of tokens in dictionaries."""

    def __init__(self) -> None:
        self._clients: dict[str, OAuthClientInformationFull] = {}
        self._codes: dict[str, AuthorizationCode] = {}
        self._refresh: dict[str, RefreshToken] = {}
        self._access: dict[str, AccessToken] = {}
        # Each token of a pair, by the other.
        self._partners: dict[str, str] = {}

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self._clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        assert client_info.client_id is not None
        self._clients[client_info.client_id] = client_info

    async def authorize(
        self, client: OAuthClientInformationFull, params: AuthorizationParams
    ) -> str:
        code = AuthorizationCode(
            code=token_urlsafe(32),
            client_id=client.client_id or "",
            scopes=params.scopes or [SCOPE],
            expires_at=time() + LIFETIME_SECONDS,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
        )
        self._codes[code.code] = code
        return construct_redirect_uri(
            str(params.redirect_uri), code=code.code, state=params.state
        )

    async def load_authorization_code(
        self,
        client: OAuthClientInformationFull,  # noqa: ARG002 - the interface has it
        authorization_code: str,
    ) -> AuthorizationCode | None:
        return self._codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        if self._codes.pop(authorization_code.code, None) is None:
            raise TokenError("invalid_grant")
        return self._issue(client.client_id or "", authorization_code.scopes)

    async def load_refresh_token(
        self,
        client: OAuthClientInformationFull,  # noqa: ARG002 - the interface has it
        refresh_token: str,
    ) -> RefreshToken | None:
        return self._refresh.get(refresh_token)

    async def exchange_refresh_token(
        self,
        client: OAuthClientInformationFull,  # noqa: ARG002 - the interface has it
        refresh_token: RefreshToken,
        scopes: list[str],
    ) -> OAuthToken:
        if refresh_token.token not in self._refresh:
            raise TokenError("invalid_grant")
        self._forget(refresh_token.token)
        return self._issue(refresh_token.client_id, scopes)

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self._access.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        self._forget(token.token)

    def _issue(self, client_id: str, scopes: list[str]) -> OAuthToken:
        access, refresh = token_urlsafe(32), token_urlsafe(32)
        expires_at = int(time()) + LIFETIME_SECONDS
        self._access[access] = AccessToken(
            token=access, client_id=client_id, scopes=scopes, expires_at=expires_at
        )
        self._refresh[refresh] = RefreshToken(
            token=refresh, client_id=client_id, scopes=scopes
        )
        self._partners |= {access: refresh, refresh: access}
        return OAuthToken(
            access_token=access,
            refresh_token=refresh,
            expires_in=LIFETIME_SECONDS,
            scope=" ".join(scopes),
        )

    def _forget(self, token: str) -> None:
        for one in (token, self._partners.pop(token, "")):
            self._partners.pop(one, None)
            self._access.pop(one, None)
            self._refresh.pop(one, None)


def create_app(url: str) -> Starlette:
    """Give the server."""
    provider = MemoryProvider()
    routes = create_auth_routes(
        provider,
        AnyHttpUrl(url),
        client_registration_options=ClientRegistrationOptions(
            enabled=True, valid_scopes=[SCOPE], default_scopes=[SCOPE]
        ),
        revocation_options=RevocationOptions(enabled=True),
    )
    resource = RequireAuthMiddleware(JSONResponse({}), [SCOPE])
    verifier = BearerAuthBackend(ProviderTokenVerifier(provider))
    return Starlette(
        routes=[*routes, Route("/bench/protected", resource)],
        middleware=[Middleware(AuthenticationMiddleware, backend=verifier)],
    )


def main() -> None:
    """Serve."""
    port = arguments(name="mcp_sdk").port
    app = create_app(f"http://127.0.0.1:{port}")
    uvicorn.run(app, port=port, log_level="warning")


if __name__ == "__main__":
    main()
