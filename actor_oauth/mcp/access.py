"""Who is calling: what a tool may know of the token that its request came with.

The SDK carries one `AccessToken` from the HTTP request to the tool, through its session
tasks too. Ours is that class with the verified `AccessTokenInfo` inside, so there is
one way for it to travel and one place to read it.
"""

from collections.abc import Mapping
from typing import Final, Self, TypeVar, overload

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from pydantic import PrivateAttr, TypeAdapter

from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.scopes import held_scopes
from actor_oauth.oauth.tokens import AccessTokenInfo

T = TypeVar("T")

# A tool that could read its caller's token could send it on to another service, which
# MCP forbids (token passthrough) and G-11 with it.
_WITHHELD: Final = "withheld"


class VerifiedAccessToken(AccessToken):  # type: ignore[explicit-any]  # its `claims`
    """The SDK's view of a token, with ours in it."""

    _info: AccessTokenInfo = PrivateAttr()
    _held: frozenset[str] = PrivateAttr()

    @classmethod
    def of(
        cls,
        info: AccessTokenInfo,
        *,
        issuer: str,
        implied: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Self:
        """Describe a verified token to the SDK, which never sees the token itself.

        Client, issuer and subject are what the SDK binds sessions to: another user's
        request for a session is answered as if there were no such session.

        Args:
            info: What the token is good for.
            issuer: Of the authorization server; subjects are unique under it only.
            implied: What a scope includes besides itself.
        """
        held = held_scopes(info.scope, implied or {})
        token = cls(
            token=_WITHHELD,
            client_id=info.client_id,
            # With those that they include: the SDK compares names.
            scopes=[*info.scope, *sorted(held.difference(info.scope))],
            expires_at=info.expires_at,
            resource=info.resource,
            subject=info.user_id,
            claims={"iss": issuer},
        )
        token._info = info
        token._held = held
        return token

    @property
    def info(self) -> AccessTokenInfo:
        """What the token is good for."""
        return self._info

    @property
    def held(self) -> frozenset[str]:
        """Its scopes, and those that they include."""
        return self._held


def verified_access_token() -> VerifiedAccessToken:
    """The token of the request that is being served.

    Raises:
        LookupError: This is not running for an authenticated request.
    """
    token = get_access_token()
    if isinstance(token, VerifiedAccessToken):
        return token
    raise LookupError("no authenticated request is being served here")


def current_token() -> AccessTokenInfo:
    """Give the facts of the caller's access token: user, client, scope, props.

    For tools, resources and prompts of a protected MCP server.

    Raises:
        LookupError: This is not running for an authenticated request.
    """
    return verified_access_token().info


@overload
def current_props() -> Json: ...
@overload
def current_props(props_type: type[T]) -> T: ...
def current_props(props_type: type[T] | None = None) -> Json | T:
    """Give the props that the application attached to the caller's grant.

    Args:
        props_type: A dataclass, TypedDict, pydantic model or other type that the props
            are read into. The JSON as it is, if not given.

    Raises:
        LookupError: This is not running for an authenticated request.
        pydantic.ValidationError: The props do not fit the type.
    """
    props = current_token().props
    return props if props_type is None else props_as(props, props_type)


def props_as(props: Json, props_type: type[T]) -> T:
    """Read props into a type.

    Raises:
        pydantic.ValidationError: They do not fit.
    """
    adapter: TypeAdapter[T] = TypeAdapter(props_type)
    return adapter.validate_python(props)
