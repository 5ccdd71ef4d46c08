"""Checks of the vault's settings, alone and with others."""

from collections.abc import Iterator

from actor_oauth.config.hosts import is_loopback_host, is_loopback_url
from actor_oauth.config.settings import (
    Settings,
    VaultClientSettings,
    VaultResourceSettings,
)
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.resources import covers
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.upstream.addresses import read_url
from actor_oauth.oauth.upstream.resource_metadata import is_issuer

VAULT_SCOPE = "vault"
"""The scope that callers of the vault's API need."""

API_PATH = "/api"


def find_vault_problems(settings: Settings) -> Iterator[str]:
    """Find everything that keeps the vault from being served with these settings."""
    if settings.loopback_upstreams and settings.issuer is not None:
        yield from _loopback_problems(settings.issuer)
    if settings.vault_api and settings.vault_enabled:
        yield from _api_problems(settings)
    for client in settings.vault_clients:
        yield from _client_problems(client, loopback=settings.loopback_upstreams)
    issuers = [client.issuer for client in settings.vault_clients]
    if len(set(issuers)) != len(issuers):
        yield "vault_clients: two entries have the same issuer"
    for resource in settings.vault_resources:
        yield from _resource_problems(resource, loopback=settings.loopback_upstreams)


def _loopback_problems(issuer: str) -> Iterator[str]:
    if not is_loopback_url(issuer):
        yield (
            "loopback_upstreams: lets users make this server send requests to "
            "its own machine, so the issuer must be a loopback address, not "
            "{issuer}; remove "
            "loopback_upstreams"
        )


def _api_problems(settings: Settings) -> Iterator[str]:
    # A missing issuer is reported already, and leaves no policy to check.
    if settings.issuer is None and not is_loopback_host(settings.host):
        return
    issuer = settings.issuer_at(settings.port or 1)
    policy: Policy = settings.policy(issuer)
    api = issuer.removesuffix("/") + settings.vault_prefix + API_PATH
    covering = [known for known in policy.resources if covers(known.identifier, api)]
    if not any(VAULT_SCOPE in known.scopes for known in covering):
        yield (
            f"vault_api: no resource with the scope {VAULT_SCOPE} covers {api}; "
            "add one "
            f'to resources, such as {{ identifier = "{api}", scopes = ["{VAULT_SCOPE}"] }}'
        )


def _client_problems(client: VaultClientSettings, *, loopback: bool) -> Iterator[str]:
    name = f"vault_clients: {client.issuer}"
    if not is_issuer(client.issuer, loopback=loopback):
        yield f"{name}: the issuer must be an https URL without a query"
    has_secret = client.client_secret is not None
    if client.method.startswith("client_secret") and not has_secret:
        yield f"{name}: the method {client.method} needs a client_secret"
    if has_secret and not client.method.startswith("client_secret"):
        yield f"{name}: the method {client.method} has no client_secret"


def _resource_problems(
    resource: VaultResourceSettings, *, loopback: bool
) -> Iterator[str]:
    name = f"vault_resources: {resource.url}"
    if read_url(resource.url, loopback=loopback) is None:
        yield f"{name}: must be an https URL"
    if not is_issuer(resource.issuer, loopback=loopback):
        yield f"{name}: the issuer must be an https URL without a query"
    endpoints = {
        "authorization_endpoint": resource.authorization_endpoint,
        "token_endpoint": resource.token_endpoint,
        "revocation_endpoint": resource.revocation_endpoint,
    }
    for setting, url in endpoints.items():
        if url is not None and read_url(url, loopback=loopback) is None:
            yield f"{name}: {setting} must be an https URL"
    if (resource.authorization_endpoint is None) != (resource.token_endpoint is None):
        yield f"{name}: authorization_endpoint and token_endpoint belong together"
    try:
        Scope(resource.scope)
    except ValueError as error:
        yield f"{name}: {error}"
