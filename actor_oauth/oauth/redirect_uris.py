"""Which redirect URIs may be registered, and which requests match them.

A wrong answer here hands authorization codes to a stranger. So schemes are allowed by
name, and a request must repeat a registered URI character for character. The one
exception is the port of a loopback URI, which a native client learns from its operating
system only when it starts to listen.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from actor_oauth.oauth.clients import ApplicationType
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.uris import MAX_URI_LENGTH, Uri, parse_uri
from actor_oauth.oauth.wire import Reason

MAX_REDIRECT_URIS: Final = 32

FORBIDDEN_SCHEMES: Final = frozenset(
    ("javascript", "data", "vbscript", "file", "blob", "about")
)
"""Browsers act on these themselves. No configuration may allow them (B-03)."""

_RESPONSE_PARAMETERS: Final = frozenset(("code", "state", "iss", "error"))
"""Written there beforehand, they would stand twice in our answer (C-18)."""


def check_redirect_uri(uri: str, policy: Policy) -> Reason | None:
    """Decide whether a redirect URI may be registered.

    Returns:
        Why not, or None if it may.

    Source: OAuth 2.1 §2.3, §8.4; RFC 9700 §2.1, §4.1.3 (B-02, B-03).
    """
    if len(uri) > MAX_URI_LENGTH:
        return Reason.REDIRECT_URI_TOO_LONG
    parsed = parse_uri(uri)
    if parsed is None:
        return Reason.REDIRECT_URI_MALFORMED
    if parsed.fragment is not None:
        return Reason.REDIRECT_URI_FRAGMENT
    if parsed.userinfo is not None:
        return Reason.REDIRECT_URI_USERINFO
    if not _RESPONSE_PARAMETERS.isdisjoint(_names(parsed.query or "")):
        return Reason.REDIRECT_URI_QUERY
    return _check_scheme(parsed, policy)


def check_application_type(
    uris: Iterable[str], application_type: ApplicationType
) -> Reason | None:
    """Decide whether redirect URIs suit the application type that a client registers.

    A web client has https URIs on hosts that are not this machine. For native ones
    nothing is added to `check_redirect_uri`: claimed https URIs are theirs too
    (RFC 8252 §7.2), and real clients register one beside their loopback URIs.

    Returns:
        Why not, or None if they do.

    Source: OpenID Connect Registration 1.0 §2, `application_type` (B-27).
    """
    if application_type == "native":
        return None
    for uri in uris:
        parsed = parse_uri(uri)
        if parsed is None or parsed.scheme != "https" or parsed.is_loopback:
            return Reason.REDIRECT_URI_APPLICATION_TYPE
    return None


def matches(registered: str, requested: str) -> bool:
    """Tell whether a requested redirect URI is a registered one (B-04).

    Equal strings match. For http on a loopback host the port may differ, or be absent
    on either side; scheme, host literal, path and query must still be equal, so
    `localhost` is not `127.0.0.1`.

    Source: OAuth 2.1 §4.1.1, §8.4.2; RFC 8252 §7.3.
    """
    if registered == requested:
        return True
    ours, theirs = parse_uri(registered), parse_uri(requested)
    if ours is None or theirs is None or not _is_loopback_http(ours):
        return False
    return _without_port(ours) == _without_port(theirs)


def without_loopback_port(uri: str) -> str:
    """Give the one spelling of all redirect URIs that `matches` finds equal."""
    parsed = parse_uri(uri)
    if parsed is None or parsed.port is None or not _is_loopback_http(parsed):
        return uri
    host = parsed.host or ""
    return uri.replace(f"{host}:{parsed.port}", host, 1)


def _names(query: str) -> set[str]:
    return {unquote(field.partition("=")[0]) for field in query.split("&")}


def _check_scheme(uri: Uri, policy: Policy) -> Reason | None:
    if uri.scheme in FORBIDDEN_SCHEMES:
        return Reason.REDIRECT_URI_SCHEME
    if uri.scheme in ("http", "https"):
        if uri.host is None:
            return Reason.REDIRECT_URI_MALFORMED
        if uri.scheme == "http" and not uri.is_loopback:
            return Reason.REDIRECT_URI_NOT_LOOPBACK
        return None
    if uri.scheme not in policy.private_use_schemes:
        return Reason.REDIRECT_URI_SCHEME
    return None


def _is_loopback_http(uri: Uri) -> bool:
    return uri.scheme == "http" and uri.is_loopback


def _without_port(uri: Uri) -> tuple[str | None, ...]:
    return uri.scheme, uri.host, uri.path, uri.query, uri.userinfo, uri.fragment
