"""Checks of settings against each other, run once before anything is opened (A-15).

Every check yields sentences that name the settings and say what to do.
"""

from collections.abc import Iterator

from actor_oauth.config.federation_checks import find_federation_problems
from actor_oauth.config.hosts import is_loopback_host, is_loopback_url
from actor_oauth.config.settings import Settings
from actor_oauth.config.settings.resources import usual_resource
from actor_oauth.config.vault_checks import find_vault_problems
from actor_oauth.oauth.metadata import check_policy
from actor_oauth.oauth.resources import covers


def find_problems(settings: Settings, *, serving: bool = True) -> list[str]:
    """Find everything that keeps these settings from being served.

    Args:
        settings: Each already valid on its own.
        serving: Whether the port is the one that is served. Other commands do not know
            it, nor, where nothing names the issuer, what the server is called there.

    Returns:
        One sentence per problem; empty when there is none.
    """
    return [
        *_issuer_problems(settings),
        *_proxy_problems(settings),
        *_lifetime_problems(settings),
        *_policy_problems(settings),
        *(_demo_problems(settings) if serving or settings.issuer else ()),
        *_auto_approve_problems(settings),
        *_loopback_documents_problems(settings),
        *find_vault_problems(settings),
        *find_federation_problems(settings),
    ]


def _issuer_problems(settings: Settings) -> Iterator[str]:
    if settings.issuer is None and not is_loopback_host(settings.host):
        yield (
            f"issuer: must be set when host ({settings.host}) is not a loopback "
            "address; give the public https URL that clients will use"
        )


def _proxy_problems(settings: Settings) -> Iterator[str]:
    if settings.auth_check_enabled and settings.trusted_proxy_hops == 0:
        yield (
            "auth_check_enabled: relies on what the proxy in front reports about "
            "a request, so trusted_proxy_hops must be at least 1"
        )


def _lifetime_problems(settings: Settings) -> Iterator[str]:
    # A thief who refreshes in step with the owner is only noticed when one of them
    # comes back after the window.
    graces = {"refresh_grace_seconds": settings.refresh_grace_seconds} | {
        f"client_refresh.{client_id}.grace_seconds": own.grace_seconds or 0
        for client_id, own in settings.client_refresh.items()
    }
    for name, seconds in graces.items():
        if seconds >= settings.access_token_seconds:
            yield (
                f"{name}: {seconds} must be less than access_token_seconds "
                f"({settings.access_token_seconds}), or the theft of a refresh "
                "token goes undetected"
            )
    if settings.refresh_idle_seconds > settings.refresh_absolute_seconds:
        yield (
            f"refresh_idle_seconds: {settings.refresh_idle_seconds} must not be more "
            f"than refresh_absolute_seconds ({settings.refresh_absolute_seconds})"
        )
    if settings.access_token_seconds > settings.refresh_idle_seconds:
        yield (
            f"access_token_seconds: {settings.access_token_seconds} must not be more "
            f"than refresh_idle_seconds ({settings.refresh_idle_seconds}), or a token "
            "outlives its grant"
        )
    if settings.session_idle_seconds > settings.session_absolute_seconds:
        yield (
            f"session_idle_seconds: {settings.session_idle_seconds} must not be more "
            f"than session_absolute_seconds ({settings.session_absolute_seconds})"
        )


def _policy_problems(settings: Settings) -> Iterator[str]:
    if not _has_issuer(settings):
        return
    # Port 0 is bound after this check; any port stands for it.
    yield from check_policy(settings.policy(settings.issuer_at(settings.port or 1)))


def _has_issuer(settings: Settings) -> bool:
    """Whether there is an issuer. A missing one is reported already."""
    return settings.issuer is not None or is_loopback_host(settings.host)


def _demo_problems(settings: Settings) -> Iterator[str]:
    if not _has_issuer(settings):
        return
    policy = settings.policy(settings.issuer_at(settings.port or 1))
    demo = usual_resource(policy.issuer)
    if settings.demo_enabled and not any(
        covers(resource.identifier, demo) for resource in policy.resources
    ):
        yield (
            f"demo: no resource covers {demo}, where the example MCP server is; add "
            "one to resources, or set demo = false"
        )


def _loopback_documents_problems(settings: Settings) -> Iterator[str]:
    if not settings.loopback_documents or settings.issuer is None:
        return
    if not is_loopback_url(settings.issuer):
        yield (
            "loopback_documents: lets anyone make this server send requests to "
            "its own machine, so the issuer must be a loopback address, not "
            "{settings.issuer}; remove "
            "loopback_documents"
        )


def _auto_approve_problems(settings: Settings) -> Iterator[str]:
    if settings.auto_approve is None:
        return
    if settings.issuer is not None and not is_loopback_url(settings.issuer):
        yield (
            "auto_approve: lets anyone in without a password, so the issuer must be a "
            f"loopback address, not {settings.issuer}; remove auto_approve"
        )
    if not is_loopback_host(settings.host):
        yield (
            "auto_approve: lets anyone in without a password, so host must be a "
            f"loopback address, not {settings.host}; remove auto_approve"
        )
