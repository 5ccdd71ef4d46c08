"""Which `Host` and `Origin` a protected resource is reached under (G-16).

A server on a loopback address trusts everybody on this machine, and a browser on this
machine runs everybody's scripts: a page whose name is rebound to 127.0.0.1 is
same-origin with the server. Its `Host` gives it away, a foreign page's `Origin` likewise.
A public server has nothing to fear from either: what it guards needs a token that no
browser sends by itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from actor_oauth.oauth.uris import parse_uri
from actor_oauth.resource.asgi import RequestHead


# Every request names a host, and nearly all the same.
@lru_cache(maxsize=256)
def _is_loopback(url: str) -> bool:
    uri = parse_uri(url)
    return uri is not None and uri.is_loopback


def _names_this_machine(hosts: Sequence[bytes]) -> bool:
    return len(hosts) == 1 and _is_loopback("http://" + hosts[0].decode("latin-1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginRules:
    """What is checked of every request before its credentials are looked at.

    Attributes:
        loopback_only: `Host` and `Origin` must name this machine.
        origins: Origins that are let in besides; None lets in every origin, where
            `loopback_only` does not object.
    """

    loopback_only: bool
    origins: frozenset[str] | None

    def admit(self, head: RequestHead) -> bool:
        """Tell whether the request comes under a name and from a page that may."""
        if self.loopback_only and not _names_this_machine(head.lines(b"host")):
            return False
        return all(map(self._admits_origin, head.lines(b"origin")))

    def _admits_origin(self, line: bytes) -> bool:
        origin = line.decode("latin-1")
        if self.origins is not None and origin in self.origins:
            return True
        if self.loopback_only:
            return _is_loopback(origin)
        return self.origins is None


def origin_rules(resource: str, allowed: Iterable[str] | None = None) -> OriginRules:
    """The rules for the resource at this URL.

    Args:
        resource: The resource identifier, the URL that clients connect to.
        allowed: Origins such as `https://app.example` whose pages may call. A loopback
            resource admits loopback pages besides, a public one its own origin. None:
            loopback pages only, or, for a public resource, any.
    """
    return OriginRules(
        loopback_only=_is_loopback(resource),
        origins=None if allowed is None else frozenset({origin_of(resource), *allowed}),
    )


def origin_of(url: str) -> str:
    """The origin of an absolute URL, as it is written there."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"
