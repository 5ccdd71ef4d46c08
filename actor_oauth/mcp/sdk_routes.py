"""Our actors behind the SDK's own authorization routes: its provider protocol.

The SDK's routes find a code and spend it in two steps, compare client secrets as plain
text and check PKCE themselves. Here each of these is part of one turn of the actor that
owns the answer. So the routes are shown what they want to see, and what decides is the
request as it came, in `exchange_…` and `revoke_token`: `capture` keeps it for as long as it
is served.

Rule: nothing that this module shows the SDK is worth anything by itself. Where no request
was captured there is no code and no refresh token, and no client with a secret gets in.
"""

import json
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, TypeVar, cast, get_args

from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationErrorCode,
    AuthorizationParams,
    AuthorizeError,
    IdentityAssertionParams,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    RegistrationError,
    RegistrationErrorCode,
    TokenError,
    TokenErrorCode,
)
from mcp.server.auth.settings import (
    AuthSettings,
    ClientRegistrationOptions,
    RevocationOptions,
)
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyUrl
from starlette.applications import Starlette
from typing_extensions import override

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.mcp.access import VerifiedAccessToken
from actor_oauth.mcp.gate import read_ahead
from actor_oauth.mcp.sdk_urls import as_written
from actor_oauth.mcp.step_up import with_permissions
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.parameters import MAX_FORM_BYTES, Parameters, parse_form
from actor_oauth.oauth.pkce import challenge_of, check_verifier
from actor_oauth.oauth.policy import ResourcePolicy
from actor_oauth.oauth.resources import known_scopes
from actor_oauth.oauth.tokens import TokenResponse
from actor_oauth.oauth.wire import WireError, to_wire
from actor_oauth.resource import ResourceServer
from actor_oauth.resource.asgi import ASGIApp, Receive, Scope, Send, request_head

LifespanResult = TypeVar("LifespanResult")

_FOREVER: Final = 2.0**40


@dataclass(frozen=True, slots=True)
class _Captured:
    """A request to one of the SDK's routes, as it came.

    Attributes:
        text: The body, or the query of a request without one.
        authorization: The header's value, or None.
    """

    text: bytes
    authorization: str | None

    def parameters(self) -> Parameters:
        """The fields; none if they cannot be read, which then are all missing."""
        parsed = parse_form(self.text)
        return parsed if isinstance(parsed, Parameters) else Parameters({})


_captured: ContextVar[_Captured | None] = ContextVar("captured request", default=None)


class _ShownClient(OAuthClientInformationFull):  # type: ignore[explicit-any]  # its jwks
    """A client as the SDK's routes see it: what it may ask for is decided elsewhere."""

    @override
    def validate_scope(self, requested_scope: str | None) -> list[str] | None:
        """Let any scope pass; the authorization request is judged as a whole."""
        return None if requested_scope is None else requested_scope.split(" ")

    @override
    def validate_redirect_uri(self, redirect_uri: AnyUrl | None) -> AnyUrl:
        """Let any pass that there is; a loopback one may have another port."""
        return redirect_uri or super().validate_redirect_uri(redirect_uri)


class ActorAuthorizationProvider(
    OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]
):
    """The SDK's authorization-server provider, on our actors.

    provider = ActorAuthorizationProvider(server, resource, authorize_url=…)
    mcp = MCPServer("notes", auth_server_provider=provider, auth=provider.auth_settings())
    app = provider.capture(provider.with_permissions(mcp, mcp.streamable_http_app()))

    Use `MCPEndpoint` and the provider's own endpoints where there is a choice: the SDK's
    say less, and differently. `docs/mcp.md` lists what they cannot do.

    Args:
        server: Decides everything. Its issuer is the origin that the routes are at.
        resource: What the MCP server is protected as.
        authorize_url: The page that puts a request to its user. It gets the client's
            query, and reads it by `parse_auth_request`.
    """

    def __init__(
        self,
        server: AuthorizationServer,
        resource: ResourcePolicy,
        *,
        authorize_url: str,
    ) -> None:
        self._server = server
        self._resource = resource
        self._authorize_url = authorize_url

    def auth_settings(self) -> AuthSettings:
        """The SDK's settings for a server that uses this provider."""
        return AuthSettings(
            issuer_url=as_written(self._server.policy.issuer),
            resource_server_url=as_written(self._resource.identifier),
            required_scopes=list(self._resource.needed_scopes),
            client_registration_options=ClientRegistrationOptions(
                enabled=self._server.policy.registration_enabled
            ),
            revocation_options=RevocationOptions(enabled=True),
            validate_token_resource=True,
        )

    def with_permissions(
        self, server: MCPServer[LifespanResult], app: Starlette
    ) -> Starlette:
        """Challenge over HTTP for scopes that tools require, and hide restricted ones.

        Without it, tools with demands still refuse, by a JSON-RPC error.

        Args:
            server: Uses this provider.
            app: Its own, before it has served anything and before `capture`; is changed,
                and given back.
        """
        role = ResourceServer(
            self._resource,
            issuer=self._server.policy.issuer,
            validate_token=self._server.validate_token,
        )
        return with_permissions(server, app, role)

    def capture(self, app: ASGIApp) -> ASGIApp:
        """Wrap the application with the SDK's routes, to capture their requests."""

        async def capturing(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"] not in _ROUTES:
                await app(scope, receive, send)
                return
            head = request_head(scope)
            lines = head.lines(b"authorization")
            body: bytes | None = head.query_string
            if head.method == "POST":
                body, receive = await read_ahead(receive, MAX_FORM_BYTES)
            authorization = lines[0].decode("latin-1") if len(lines) == 1 else None
            token = _captured.set(_Captured(body or b"", authorization))
            try:
                await app(scope, receive, send)
            finally:
                _captured.reset(token)

        return capturing

    @override
    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        """Show a client to the routes; None if there is none that may ask.

        Where a request was captured it seems to be one without a secret, so that the
        routes let it pass to where its secret, key or lack of both is looked at.
        """
        client = await self._server.lookup_client(client_id)
        if client is None:
            return None
        captured = _captured.get() is not None
        return _ShownClient(
            client_id=client.client_id,
            client_name=client.client_name,
            redirect_uris=[AnyUrl(uri) for uri in client.redirect_uris],
            grant_types=list(client.grant_types),
            response_types=list(client.response_types),
            token_endpoint_auth_method="none" if captured else client.auth_method,
            scope=self._scope_of(client),
        )

    def _scope_of(self, client: Client) -> str:
        return str(client.scope or known_scopes(self._server.policy))

    @override
    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        """Register a client, and write into its record what it really became.

        Raises:
            RegistrationError: It may not be registered so.
        """
        asked = client_info.model_dump(
            mode="json", exclude_none=True, exclude=_NOT_ASKED
        )
        captured = _captured.get()
        answer = await self._server.register(
            json.dumps(asked).encode(),
            None if captured is None else captured.authorization,
        )
        if isinstance(answer, WireError):
            known = _among(answer.error, get_args(RegistrationErrorCode))
            error = cast("RegistrationErrorCode", known or "invalid_client_metadata")
            raise RegistrationError(error, answer.description)
        became = OAuthClientInformationFull.model_validate(dict(answer))
        for name in OAuthClientInformationFull.model_fields:
            setattr(client_info, name, getattr(became, name))

    @override
    async def authorize(
        self, client: OAuthClientInformationFull, params: AuthorizationParams
    ) -> str:
        """Send the browser to the page that asks its user.

        Raises:
            AuthorizeError: Nobody needs to be asked: the request is not acceptable.
        """
        captured = _captured.get()
        query = "" if captured is None else captured.text.decode("latin-1")
        decision = await self._server.parse_auth_request(query)
        if not isinstance(decision, AuthorizationRequest):
            told = to_wire(decision.reason)
            known = _among(told.error, get_args(AuthorizationErrorCode))
            error = cast("AuthorizationErrorCode", known or "invalid_request")
            raise AuthorizeError(error, told.description)
        return f"{self._authorize_url}?{query}"

    @override
    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        """Show a code to the route, as the request would have it.

        The owner of the code compares client, redirect URI and verifier when it is spent.
        """
        form = _form()
        verifier = form.get("code_verifier") or ""
        if form.get("code") != authorization_code or not check_verifier(verifier):
            return None
        redirect_uri = form.get("redirect_uri")
        return AuthorizationCode(
            code=authorization_code,
            scopes=[],
            expires_at=_FOREVER,
            client_id=client.client_id,
            code_challenge=challenge_of(verifier),
            redirect_uri=AnyUrl(redirect_uri or self._authorize_url),
            redirect_uri_provided_explicitly=redirect_uri is not None,
        )

    @override
    async def exchange_authorization_code(
        self,
        client: OAuthClientInformationFull,
        authorization_code: AuthorizationCode,
    ) -> OAuthToken:
        """Redeem the code of the captured request.

        Raises:
            TokenError: It is refused.
        """
        return await self._token()

    @override
    async def load_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: str
    ) -> RefreshToken | None:
        """Show a refresh token to the route, as the request would have it."""
        form = _form()
        if refresh_token not in (form.get("refresh_token"), form.get("token")):
            return None
        return RefreshToken(
            token=refresh_token,
            client_id=client.client_id,
            scopes=(form.get("scope") or "").split(" "),
        )

    @override
    async def exchange_refresh_token(
        self,
        client: OAuthClientInformationFull,
        refresh_token: RefreshToken,
        scopes: Sequence[str],
    ) -> OAuthToken:
        """Refresh by the captured request.

        Raises:
            TokenError: It is refused.
        """
        return await self._token()

    @override
    async def exchange_identity_assertion(
        self, client: OAuthClientInformationFull, params: IdentityAssertionParams
    ) -> OAuthToken:
        """Trade the assertion of the captured request, if that grant is on.

        Raises:
            TokenError: It is refused.
        """
        return await self._token()

    @override
    async def load_access_token(self, token: str) -> AccessToken | None:
        """Say what an access token is good for at the resource, or None."""
        info = await self._server.validate_token(self._resource.identifier, token)
        if info is None or info.jkt is not None:
            return None
        return VerifiedAccessToken.of(
            info,
            issuer=self._server.policy.issuer,
            implied=dict(self._resource.implied_scopes),
        )

    @override
    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        """Revoke the token of the captured request, if its client may."""
        captured = _captured.get()
        if captured is not None:
            await self._server.revoke(captured.parameters(), captured.authorization)

    async def _token(self) -> OAuthToken:
        captured = _captured.get()
        if captured is None:
            raise TokenError("invalid_request", "No request was captured.")
        answer = await self._server.token(captured.parameters(), captured.authorization)
        if isinstance(answer, WireError):
            known = _among(answer.error, get_args(TokenErrorCode))
            error = cast("TokenErrorCode", known or "invalid_request")
            raise TokenError(error, answer.description)
        return _shown_tokens(answer)


# The SDK's, at the root of its application.
_ROUTES: Final = frozenset(("/authorize", "/token", "/register", "/revoke"))
# What the SDK's route made up before it asked.
_NOT_ASKED: Final = {
    "client_id",
    "client_secret",
    "client_id_issued_at",
    "client_secret_expires_at",
    "issuer",
}


def _form() -> Parameters:
    captured = _captured.get()
    return Parameters({}) if captured is None else captured.parameters()


def _among(error: str, known: Sequence[str]) -> str | None:
    return error if error in known else None


def _shown_tokens(answer: TokenResponse) -> OAuthToken:
    return OAuthToken(
        access_token=answer.access_token,
        expires_in=answer.expires_in,
        scope=str(answer.scope),
        refresh_token=answer.refresh_token,
    )
