r"""URIs from strangers, parsed strictly by the grammar of RFC 3986.

Browsers and the standard library repair what they are given: they drop tabs and line
breaks, turn `\` into `/`, and map unusual digits and dots in host names to plain ones.
Whoever repairs differently sees a different host. So nothing is repaired here: a text
outside the grammar is no URI at all, and hosts are ASCII.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from typing import Final

MAX_URI_LENGTH: Final = 2048

LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""The only host literals that count as this machine (OAuth 2.1 §8.4.2)."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_CHARACTERS: Final = re.compile(
    r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+"
)
_URI: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?"
)
_AUTHORITY: Final = re.compile(r"(?:(.*)@)?(\[[0-9A-Fa-f:.]+\]|[^:@\[\]]*)(?::(\d+))?")
_HOST: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?")
_MAX_PORT: Final = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Uri:
    """The parts of an absolute URI.

    Attributes:
        scheme: In lower case.
        userinfo: What stands before `@`, or None.
        host: As written, `[…]` around IPv6; None without an authority.
        port: As a number; None if none is written.
        path: As written, possibly empty.
        query: Without `?`; None if there is no `?`.
        fragment: Without `#`; None if there is no `#`.
    """

    scheme: str
    userinfo: str | None
    host: str | None
    port: int | None
    path: str
    query: str | None
    fragment: str | None

    @property
    def origin(self) -> tuple[str, str | None, int | None]:
        """The scheme, the host in lower case and the effective port."""
        host = None if self.host is None else self.host.lower()
        return self.scheme, host, self.port or _DEFAULT_PORTS.get(self.scheme)

    @property
    def is_loopback(self) -> bool:
        """Whether the host is a literal for this machine."""
        return self.host is not None and self.host.lower() in LOOPBACK_HOSTS


def parse_uri(text: str, *, max_length: int = MAX_URI_LENGTH) -> Uri | None:
    """Read an absolute URI.

    Returns:
        None if the text is no absolute URI, has a character or host outside the
        grammar, an impossible port, or is too long.

    Source: RFC 3986 §3.
    """
    if len(text) > max_length or not _CHARACTERS.fullmatch(text):
        return None
    parts = _URI.fullmatch(text)
    if parts is None:
        return None
    scheme, authority, path, query, fragment = parts.groups()
    userinfo = host = port = None
    if authority is not None:
        found = _parse_authority(authority)
        if found is None:
            return None
        userinfo, host, port = found
    return Uri(
        scheme=scheme.lower(),
        userinfo=userinfo,
        host=host,
        port=port,
        path=path,
        query=query,
        fragment=fragment,
    )


def parse_web_url(text: str, *, max_length: int = MAX_URI_LENGTH) -> Uri | None:
    """Read an absolute http or https URL that names no user and no fragment."""
    uri = parse_uri(text, max_length=max_length)
    if uri is None or uri.scheme not in _DEFAULT_PORTS or uri.host is None:
        return None
    if uri.userinfo is not None or uri.fragment is not None:
        return None
    return uri


def _parse_authority(text: str) -> tuple[str | None, str, int | None] | None:
    parts = _AUTHORITY.fullmatch(text)
    if parts is None:
        return None
    userinfo, host, digits = parts.groups()
    if not _is_host(host):
        return None
    if digits is None:
        return userinfo, host, None
    # Long runs of digits are refused without converting them.
    port = int(digits) if len(digits) <= len(str(_MAX_PORT)) else 0
    return (userinfo, host, port) if 0 < port <= _MAX_PORT else None


def _is_host(text: str) -> bool:
    if not text.startswith("["):
        return _HOST.fullmatch(text) is not None
    try:
        IPv6Address(text[1:-1])
    except AddressValueError:
        return False
    return True
