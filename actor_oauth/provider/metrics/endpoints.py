"""What a request's path is called where it is counted: one of a few words."""

from collections.abc import Callable
from typing import Final

from actor_oauth.http.addresses import addresses_of
from actor_oauth.provider.parts import RunningProvider

GUARD: Final = "guard"
"""A protected application."""
METADATA: Final = "metadata"
"""Label of all paths below `/.well-known/`."""
VAULT: Final = "vault"
"""The vault's pages and documents."""
OTHER: Final = "other"
"""No path of this server, or one of an application's own pages."""

FIRST_SEGMENTS: Final = frozenset(
    (
        "account",
        "auth",
        "authorize",
        "consent",
        "device",
        "device_authorization",
        "end_session",
        "health",
        "introspect",
        "jwks",
        "login",
        "logout",
        "par",
        "register",
        "revoke",
        "static",
        "token",
        "userinfo",
    )
)
"""Of the paths below the issuer's: each names what is there and below."""

ENDPOINTS: Final = FIRST_SEGMENTS | {GUARD, METADATA, VAULT, OTHER}


def endpoint_names(running: RunningProvider) -> Callable[[str], str]:
    """Give the label of a path, in the order in which a provider routes it.

    Args:
        running: Says where the protected applications are.
    """
    base = addresses_of(running.server.policy.issuer).base + "/"
    guarded = tuple(running.guarded_paths)
    vault = "" if running.vault is None else _path(running.vault.policy.base_url)

    def name(path: str) -> str:
        if _is_below(path, guarded):
            return GUARD
        if path.startswith("/.well-known/"):
            return METADATA
        if vault and _is_below(path, (vault,)):
            return VAULT
        if not path.startswith(base):
            return OTHER
        first = path[len(base) :].partition("/")[0]
        return first if first in FIRST_SEGMENTS else OTHER

    return name


def _path(url: str) -> str:
    return addresses_of(url).base


def _is_below(path: str, tops: tuple[str, ...]) -> bool:
    return any(path == top or path.startswith(top + "/") for top in tops)
