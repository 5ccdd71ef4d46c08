"""Tokens of other services for the users of this one: connect, use, refresh, remove.

`http_auth.py` beside this is the vault as the authentication of an HTTP client; whoever
wants that imports it from there.
"""

from actor_oauth.oauth.upstream.hooks import AuthSuccess, OnAuthSuccess
from actor_oauth.upstream.vault.answers import (
    Authorization,
    Connected,
    LoginRedirect,
    ProviderInfo,
)
from actor_oauth.upstream.vault.vault import Vault, open_leftovers, open_vault

__all__ = [
    "AuthSuccess",
    "Authorization",
    "Connected",
    "LoginRedirect",
    "OnAuthSuccess",
    "ProviderInfo",
    "Vault",
    "open_leftovers",
    "open_vault",
]
