"""The resource server's role: accept good tokens, and challenge for better ones."""

from actor_oauth.resource.answers import Answer
from actor_oauth.resource.guard import (
    PROTECTION_KEY,
    TOKEN_KEY,
    BearerGuard,
    ValidateToken,
    require_scopes,
    verified_token,
)
from actor_oauth.resource.introspection import (
    IntrospectedTokens,
    IntrospectionEndpoint,
)
from actor_oauth.resource.jwt_tokens import JwtTokens
from actor_oauth.resource.middleware import BearerMiddleware
from actor_oauth.resource.remote import AuthorityUnavailableError
from actor_oauth.resource.remote_keys import RemoteKeys, fetch_from
from actor_oauth.resource.server import ResourceServer

__all__ = [
    "PROTECTION_KEY",
    "TOKEN_KEY",
    "Answer",
    "AuthorityUnavailableError",
    "BearerGuard",
    "BearerMiddleware",
    "IntrospectedTokens",
    "IntrospectionEndpoint",
    "JwtTokens",
    "RemoteKeys",
    "ResourceServer",
    "ValidateToken",
    "fetch_from",
    "require_scopes",
    "verified_token",
]
