"""Recognising loopback hosts, which may use plain http and demo features."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback_host(host: str) -> bool:
    """Tell whether `host` names this machine itself, without asking a resolver.

    Args:
        host: A host name or an IP literal, without brackets.
    """
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """Tell whether the URL's host is a loopback host."""
    try:
        return is_loopback_host(urlsplit(url).hostname or "")
    except ValueError:
        return False


def http_url(host: str, port: int) -> str:
    """Give `http://host:port`, with brackets around an IPv6 literal."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
