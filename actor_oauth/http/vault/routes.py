"""The table of the vault's pages, below its prefix."""

from collections.abc import Sequence

from actor_oauth.http.page_route import PageRoute
from actor_oauth.http.site import Site
from actor_oauth.http.vault import connect, connections


def vault_pages(site: Site) -> Sequence[PageRoute]:
    """Give the pages; none if the vault is off."""
    if site.vault is None:
        return ()
    issuer = site.addresses.issuer.removesuffix("/")
    prefix = site.vault.policy.base_url.removeprefix(issuer)
    return (
        PageRoute(f"{prefix}/login", "GET", connect.show_connect),
        PageRoute(f"{prefix}/login", "POST", connect.submit_connect),
        PageRoute(f"{prefix}/callback/<label>", "GET", connect.show_callback),
        PageRoute(f"{prefix}/connections", "GET", connections.show_connections),
        PageRoute(f"{prefix}/refresh", "POST", connections.submit_refresh),
        PageRoute(f"{prefix}/remove", "POST", connections.submit_remove),
    )
