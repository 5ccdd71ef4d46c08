"""The resource server's role: accept valid tokens, and challenge for others.

It needs no provider in its process, and loads none.
"""

from actor_oauth.oauth.authorization_details import DetailType
from actor_oauth.oauth.grant_origin import GrantOrigin
from actor_oauth.oauth.policy import ResourcePolicy
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import AccessTokenInfo
from actor_oauth.resource.answers import Answer
from actor_oauth.resource.asgi import ASGIApp
from actor_oauth.resource.guard import (
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

# In a handler
__all__ = [
    "AccessTokenInfo",
    "Answer",
    "GrantOrigin",
    "Scope",
    "require_scopes",
    "verified_token",
]

# Around an application
__all__ += [
    "ASGIApp",
    "BearerGuard",
    "BearerMiddleware",
    "DetailType",
    "ResourcePolicy",
    "ResourceServer",
]

# Asking what a token is good for
__all__ += [
    "AuthorityUnavailableError",
    "IntrospectedTokens",
    "IntrospectionEndpoint",
    "JwtTokens",
    "RemoteKeys",
    "ValidateToken",
    "fetch_from",
]
