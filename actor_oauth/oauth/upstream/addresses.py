"""The URLs of others: which may be used, and where their documents are."""

from typing import Final

from actor_oauth.oauth.uris import Uri, parse_web_url

PROTECTED_RESOURCE: Final = "oauth-protected-resource"
AUTHORIZATION_SERVER: Final = "oauth-authorization-server"
OPENID_CONFIGURATION: Final = "openid-configuration"


def read_url(url: str, *, loopback: bool) -> Uri | None:
    """Read a URL that this server, or a browser it sends away, may be pointed at.

    Args:
        url: From a stranger.
        loopback: Development only: `http` of this machine is let through.

    Returns:
        None unless it is https, or such an address.
    """
    uri = parse_web_url(url)
    if uri is None:
        return None
    return uri if uri.scheme == "https" or (loopback and uri.is_loopback) else None


def origin_of(uri: Uri) -> str:
    """Give scheme, host and port of a URL as one text, a default port left out."""
    scheme, host, port = uri.origin
    is_default = port == {"http": 80, "https": 443}.get(scheme)
    return f"{scheme}://{host}" if is_default else f"{scheme}://{host}:{port}"


def host_label(uri: Uri) -> str:
    """Give the host, with a port that is not the default, as one segment of a path.

    Each issuer's host gets a redirect URI of its own, so that an answer that was meant
    for one authorization server cannot be handed in as another's (RFC 9700 §4.4.2).
    """
    authority = origin_of(uri).partition("://")[2]
    return authority.replace("[", "").replace("]", "")


def resource_metadata_urls(uri: Uri) -> tuple[str, ...]:
    """Give where a resource's metadata may be: at its path, then at the root (I-04).

    Source: RFC 9728 §3.1.
    """
    root = f"{origin_of(uri)}/.well-known/{PROTECTED_RESOURCE}"
    path = "" if uri.path == "/" else uri.path
    query = "" if uri.query is None else f"?{uri.query}"
    return tuple(dict.fromkeys((root + path + query, root)))


def server_metadata_urls(issuer: Uri) -> tuple[str, ...]:
    """Give where an issuer's metadata may be, in order (I-06).

    Of an issuer with a path the root documents are not asked for: they are another
    issuer's.

    Source: RFC 8414 §3.1, §5; OpenID Connect Discovery §4.
    """
    origin, path = origin_of(issuer), issuer.path.removesuffix("/")
    inserted = f"{origin}/.well-known/"
    return tuple(
        dict.fromkeys(
            (
                f"{inserted}{AUTHORIZATION_SERVER}{path}",
                f"{inserted}{OPENID_CONFIGURATION}{path}",
                f"{origin}{path}/.well-known/{OPENID_CONFIGURATION}",
            )
        )
    )
