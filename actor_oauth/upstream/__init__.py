"""Clients of other services: the tokens that your users have there.

`Provider.vault` is the vault, `VaultAuth` puts a user's token into the requests of an HTTP
client; `actor_oauth.upstream.steps` is the same without a vault.

Inside: `fetch.py` is the only place from which this server connects anywhere. What it
fetches, and what is made of it, is each in a file of its own.
"""

from actor_oauth.oauth.upstream.credentials import CredentialState
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.upstream.vault.answers import (
    Authorization,
    Connected,
    LoginRedirect,
    ProviderInfo,
)
from actor_oauth.upstream.vault.http_auth import NotConnectedError, VaultAuth
from actor_oauth.upstream.vault.vault import Vault

# In a program that calls a service
__all__ = [
    "Authorization",
    "NotConnectedError",
    "UpstreamFailed",
    "UpstreamFault",
    "VaultAuth",
]

# The vault
__all__ += [
    "Connected",
    "CredentialState",
    "LoginRedirect",
    "ProviderInfo",
    "Vault",
]
