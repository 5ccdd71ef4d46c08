"""For servers that are made with FastMCP 4: its `auth`, on our tokens.

mcp = FastMCP("notes", auth=fastmcp_auth(resource, issuer=…, validate_token=…))

FastMCP is no dependency of this package: import this module only where it is installed
(the extra `fastmcp`).
"""

from typing import Final
from urllib.parse import urlsplit

from fastmcp.server.auth import AccessToken, RemoteAuthProvider, TokenVerifier
from typing_extensions import override

from actor_oauth.mcp.sdk_urls import as_written
from actor_oauth.mcp.token_verifier import ValidateToken
from actor_oauth.oauth.policy import ResourcePolicy
from actor_oauth.oauth.tokens import AccessTokenInfo

_WITHHELD: Final = "withheld"


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
        super().__init__(required_scopes=list(resource.default_scopes))
        self._resource = resource
        self._issuer = issuer
        self._validate_token = validate_token

    @override
    async def verify_token(self, token: str) -> AccessToken | None:
        """Say what the token is good for, or None if it is good for nothing here.

        Raises:
            ActorError: It could not be checked.
        """
        info = await self._validate_token(self._resource.identifier, token)
        # FastMCP knows bearer tokens only: one that is bound to a key is none (F-11).
        if info is None or info.jkt is not None:
            return None
        return self._shown(info)

    def _shown(self, info: AccessTokenInfo) -> AccessToken:
        claims = {
            "iss": self._issuer,
            "sub": info.user_id,
            "principal": info.principal,
            "props": info.props,
        }
        # The token itself stays here: a tool must not send it on (G-11).
        return AccessToken(
            token=_WITHHELD,
            client_id=info.client_id,
            scopes=list(info.scope),
            expires_at=info.expires_at,
            resource=info.resource,
            subject=info.user_id,
            claims=claims,
        )


def fastmcp_auth(
    resource: ResourcePolicy, *, issuer: str, validate_token: ValidateToken
) -> RemoteAuthProvider:
    """Make FastMCP's `auth` for a server that takes tokens of an authorization server.

    It serves the metadata document and the 401 challenge. Tools read their caller from
    `get_access_token().claims`: `sub`, `principal` and, in the provider's process,
    `props`.

    Args:
        resource: As for `FastMCPTokenVerifier`; its path is where the server is.
        issuer: As there.
        validate_token: As there.
    """
    parts = urlsplit(resource.identifier)
    return RemoteAuthProvider(
        token_verifier=FastMCPTokenVerifier(
            resource, issuer=issuer, validate_token=validate_token
        ),
        authorization_servers=[as_written(issuer)],
        base_url=f"{parts.scheme}://{parts.netloc}",
        scopes_supported=list(resource.scopes),
        resource_name=resource.name,
    )
