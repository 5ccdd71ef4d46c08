"""Checks of the settings for signing in with other services."""

from collections.abc import Iterator

from actor_oauth.config.settings import LoginProviderSettings, Settings
from actor_oauth.oauth.upstream.addresses import read_url


def find_federation_problems(settings: Settings) -> Iterator[str]:
    """Find everything that keeps users from signing in with these settings."""
    names = [provider.name for provider in settings.login_providers]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"login_providers: two entries have the name {name}"
    for provider in settings.login_providers:
        yield from _provider_problems(provider, loopback=settings.loopback_upstreams)
    yield from _keeping_problems(settings)
    if not settings.local_accounts_enabled and not settings.login_providers:
        yield (
            "local_accounts_enabled: nobody could sign in; turn it on, or add an entry "
            "to login_providers"
        )


def _keeping_problems(settings: Settings) -> Iterator[str]:
    known = {client.issuer: client.client_id for client in settings.vault_clients}
    kept: set[str] = set()
    for provider in settings.login_providers:
        if provider.keep_tokens_for is None:
            continue
        where = f"login_providers, {provider.name}"
        issuer = provider.policy().issuer
        if not settings.vault_enabled:
            yield f"{where}: keep_tokens_for needs vault_enabled = true"
        if known.setdefault(issuer, provider.client_id) != provider.client_id:
            yield (
                f"{where}: keep_tokens_for: its tokens can only be refreshed by "
                "its own client, but vault_clients or another entry configures a "
                f"different one for {issuer}"
            )
        if provider.keep_tokens_for in kept:
            yield f"{where}: two entries have the same keep_tokens_for"
        kept.add(provider.keep_tokens_for)


def _provider_problems(
    provider: LoginProviderSettings, *, loopback: bool
) -> Iterator[str]:
    where = f"login_providers, {provider.name}"
    if not provider.admits_somebody:
        yield (
            f"{where}: nobody may sign in; list users, domains or organisations, "
            "or set everyone = true to admit anyone with an account there"
        )
    if provider.kind == "oidc" and provider.issuer is None:
        yield f"{where}: issuer is missing; it is in the service's documentation"
    urls = {
        "issuer": provider.issuer and provider.policy().documents_at,
        "api_url": provider.api_url,
        "keep_tokens_for": provider.keep_tokens_for,
    }
    for name, url in urls.items():
        if url is not None and read_url(url, loopback=loopback) is None:
            yield f"{where}: {name} must be an absolute https URL, not {url}"
    if provider.method.startswith("client_secret") and provider.client_secret is None:
        yield f'{where}: client_secret is missing; set it, or set method = "none"'
