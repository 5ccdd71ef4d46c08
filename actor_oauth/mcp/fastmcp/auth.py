"""FastMCP's `auth`, on our tokens, for servers that keep its authentication."""

from collections.abc import Mapping
from typing import Self
from urllib.parse import urlsplit

from fastmcp.server.auth import AccessToken, RemoteAuthProvider, TokenVerifier
from starlette.middleware import Middleware
from typing_extensions import override

from actor_oauth.mcp.access import VerifiedAccessToken
from actor_oauth.mcp.fastmcp.catalogue import catalogue_of
from actor_oauth.mcp.sdk_urls import as_written
from actor_oauth.mcp.step_up import StepUp
from actor_oauth.mcp.token_verifier import ValidateToken
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.policy import ResourcePolicy
from actor_oauth.oauth.tokens import AccessTokenInfo
from actor_oauth.resource import ResourceServer


class FastMCPAccessToken(VerifiedAccessToken, AccessToken):  # type: ignore[explicit-any]  # its `claims`
    """FastMCP's view of a token, with ours in it."""

    @override
    @classmethod
    def of(
        cls,
        info: AccessTokenInfo,
        *,
        issuer: str,
        implied: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Self:
        """As the base class, with the claims that FastMCP's dependencies read."""
        token = super().of(info, issuer=issuer, implied=implied)
        more: dict[str, Json] = {
            "sub": info.user_id,
            "principal": info.principal,
            "props": info.props,
        }
        token.claims.update(more)
        return token


class FastMCPTokenVerifier(TokenVerifier):
    """Answers FastMCP's question about a token.

    Args:
        resource: What the MCP server is protected as.
        issuer: Identifier of the authorization server.
        validate_token: `(resource identifier, token)` to what it is good for, or None:
            of the authorization server itself, `IntrospectedTokens` or `JwtTokens`.
    """

    def __init__(
        self, resource: ResourcePolicy, *, issuer: str, validate_token: ValidateToken
    ) -> None:
        super().__init__(required_scopes=list(resource.needed_scopes))
        self._resource = resource
        self._issuer = issuer
        self._validate_token = validate_token

    @override
    async def verify_token(self, token: str) -> AccessToken | None:
        """Give what the token allows, or None if it allows nothing here.

        Raises:
            ActorError: It could not be checked.
        """
        info = await self._validate_token(self._resource.identifier, token)
        # FastMCP knows bearer tokens only: one that is bound to a key is none (F-11).
        if info is None or info.jkt is not None:
            return None
        return FastMCPAccessToken.of(
            info, issuer=self._issuer, implied=dict(self._resource.implied_scopes)
        )


class _Auth(RemoteAuthProvider):
    """FastMCP's provider for tokens of a server elsewhere, with the step-up challenge."""

    role: ResourceServer

    @override
    def get_middleware(self) -> list[Middleware]:
        """FastMCP's authentication, and behind it the challenge for single calls."""
        challenging = Middleware(StepUp, role=self.role, catalogue_of=catalogue_of)
        return [*super().get_middleware(), challenging]


def fastmcp_auth(
    resource: ResourcePolicy, *, issuer: str, validate_token: ValidateToken
) -> RemoteAuthProvider:
    """Make FastMCP's `auth` for a server that accepts an authorization server's tokens.

    It serves the metadata document, the 401 challenge, and the 403 challenge of tools,
    prompts and resources with `require_scope`. Give the server `Permissions` too, which
    hides what a caller may not know of.

    Args:
        resource: As for `FastMCPTokenVerifier`; its path is where the server is.
        issuer: As there.
        validate_token: As there.
    """
    parts = urlsplit(resource.identifier)
    auth = _Auth(
        token_verifier=FastMCPTokenVerifier(
            resource, issuer=issuer, validate_token=validate_token
        ),
        authorization_servers=[as_written(issuer)],
        base_url=f"{parts.scheme}://{parts.netloc}",
        scopes_supported=list(resource.scopes),
        resource_name=resource.name,
        challenge_scopes=list(resource.baseline),
    )
    auth.role = ResourceServer(resource, issuer=issuer, validate_token=validate_token)
    return auth
