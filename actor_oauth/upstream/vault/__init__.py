"""Tokens of other services for the users of this one: connect, use, refresh, remove.

`http_auth.py` in this package is the vault as the authentication of an HTTP client;
import it from there.
"""

from actor_oauth.oauth.upstream.hooks import (
    AuthSuccess,
    ConnectionEnded,
    OnAuthSuccess,
    OnConnectionEnded,
)
from actor_oauth.upstream.vault.answers import (
    Authorization,
    Connected,
    LoginRedirect,
    ProviderInfo,
)
from actor_oauth.upstream.vault.opening import open_leftovers, open_vault
from actor_oauth.upstream.vault.vault import Vault

__all__ = [
    "AuthSuccess",
    "Authorization",
    "Connected",
    "ConnectionEnded",
    "LoginRedirect",
    "OnAuthSuccess",
    "OnConnectionEnded",
    "ProviderInfo",
    "Vault",
    "open_leftovers",
    "open_vault",
]
