"""The resource server's role: accept good tokens, and challenge for better ones."""

from actor_oauth.resource.answers import Answer
from actor_oauth.resource.guard import (
    TOKEN_KEY,
    BearerGuard,
    ValidateToken,
    require_scopes,
    verified_token,
)
from actor_oauth.resource.server import ResourceServer

__all__ = [
    "TOKEN_KEY",
    "Answer",
    "BearerGuard",
    "ResourceServer",
    "ValidateToken",
    "require_scopes",
    "verified_token",
]
