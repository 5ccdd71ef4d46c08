"""Resource indicators: which protected resource a token is for (RFC 8707).

Two identifiers name the same resource if they differ only in the case of scheme and
host, in a default port that is or is not written, or in the slash of an empty path.
Everything else counts: another port, another path, a slash at its end, a query.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.scopes import OFFLINE_ACCESS, Scope
from actor_oauth.oauth.uris import Uri, parse_web_url

MAX_REQUEST_URL_LENGTH: Final = 1 << 16

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# A segment that some server takes for `..`, and what they read in different ways.
_CLIMB: Final = re.compile(r"(?:^|[/\\])\.\.(?=[/\\;\0-\x20]|$)")
_UNUSUAL: Final = re.compile(r"//|;|%(?:[01][0-9a-f]|20|25|2f|3b|5c)", re.IGNORECASE)


@lru_cache(maxsize=256)
def canonical_resource(url: str) -> str | None:
    """Give the one spelling by which equal resource identifiers compare equal.

    Returns:
        None if the text is no absolute http or https URL, or has a fragment or user.

    Source: RFC 8707 §2, MCP authorization "Canonical Server URI" (A-16).
    """
    uri = parse_web_url(url)
    if uri is None:
        return None
    port = "" if uri.port in (None, _DEFAULT_PORTS[uri.scheme]) else f":{uri.port}"
    path = "" if uri.path == "/" else uri.path
    query = "" if uri.query is None else f"?{uri.query}"
    return f"{uri.scheme}://{(uri.host or '').lower()}{port}{path}{query}"


def covers(resource: str, url: str) -> bool:
    """Tell whether a token for a resource may be used at a URL (G-06).

    It may if the origins are equal and the resource's path is the URL's path or a
    prefix of it that ends between two segments. `/mcp` covers `/mcp` and `/mcp/x`, not
    `/mcp-other`. A resource with a query covers that query only.

    The server of the request may read its path differently from the server that asks
    here: nginx resolves `/mcp//..` to the root, others drop what follows a `;`, treat a
    backslash as a slash, or decode twice or not at all. So a path that climbs by
    anything but `..` between single slashes is covered by nothing.

    Args:
        resource: The audience of the token.
        url: The URL of the request as it stood on the wire, percent-encoded.

    Returns:
        False for anything that cannot be read.
    """
    audience = _audience(resource)
    actual = parse_web_url(url, max_length=MAX_REQUEST_URL_LENGTH)
    if audience is None or actual is None:
        return False
    wanted, prefix = audience
    if wanted.origin != actual.origin or wanted.query not in (None, actual.query):
        return False
    if _segments(actual)[: len(prefix)] != prefix:
        return False
    # Nearly no path climbs, and this is asked on every request.
    return ".." not in unquote(unquote(actual.path)) or _is_plain(actual.path)


def find_resource(requested: Sequence[str], policy: Policy) -> ResourcePolicy | None:
    """Find the one resource that a request is about (C-09).

    Args:
        requested: The values of `resource`; none means the default one, or the only one
            there is.
        policy: Whose resources to look among.

    Returns:
        None if a value is malformed or not ours, if several resources are named (a
        grant is for exactly one), or if none is named, there are several, and none of
        them is the default.

    Source: RFC 8707 §2.
    """
    if not requested and policy.default_resource is not None:
        requested = (policy.default_resource,)
    if not requested:
        return policy.resources[0] if len(policy.resources) == 1 else None
    wanted = {canonical_resource(url) for url in requested}
    if len(wanted) != 1 or None in wanted:
        return None
    for resource in policy.resources:
        if canonical_resource(resource.identifier) in wanted:
            return resource
    return None


def known_scopes(policy: Policy) -> Scope:
    """Give every scope that a token of this server may carry, in order.

    With those that belong to no resource (A-09).
    """
    names = [name for resource in policy.resources for name in resource.scopes]
    own = (*policy.identity_scopes, OFFLINE_ACCESS)
    return Scope(tuple(dict.fromkeys((*names, *own))))


@lru_cache(maxsize=256)
def _audience(resource: str) -> tuple[Uri, list[str]] | None:
    uri = parse_web_url(resource)
    return None if uri is None else (uri, _segments(uri))


def _is_plain(path: str) -> bool:
    """Tell whether all agree on where a path leads."""
    climbs = _CLIMB.search(unquote(unquote(path))) is not None
    return not (climbs and _UNUSUAL.search(path))


def _segments(uri: Uri) -> list[str]:
    # Decoded first, as the application behind the guard will see it: `%2e%2e%2f` must
    # not climb out of a prefix that was compared in its encoded form.
    segments: list[str] = []
    for segment in unquote(uri.path).split("/")[1:]:
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    # `/mcp/` covers what `/mcp` does: its last segment is empty.
    while segments and not segments[-1]:
        segments.pop()
    return segments
