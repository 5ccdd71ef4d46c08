"""Which network addresses this server may connect to on a stranger's behalf.

A URL from outside must not reach what only this server can reach: loopback, the private
network, cloud metadata services. So an address counts as public only if the standard
library says that it is globally reachable. Forms of IPv6 that contain an IPv4 address
are judged by that address, or refused.
"""

import re
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import Final

# The last label of a host decides whether resolvers read it as an IPv4 address, in any
# of the spellings of inet_aton: 127.1, 0x7f.1, 2130706433.
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
# RFC 6052 §2.1. Networks without IPv4 give every host such an address (DNS64).
_NAT64: Final = IPv6Network("64:ff9b::/96")
_LOW_32_BITS: Final = 0xFFFFFFFF
# What the library calls global, all or some of it in older versions. Clouds have services
# for their own machines at some of these: Oracle in the first, Azure at the last.
_NOT_PUBLIC: Final = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("168.63.129.16/32"),
)


def is_literal(host: str) -> bool:
    """Tell whether a host is an address in some spelling, rather than a name.

    Args:
        host: As written in a URL, `[…]` around IPv6.
    """
    last_label = host.rstrip(".").rpartition(".")[2]
    return host.startswith("[") or _NUMBER.fullmatch(last_label) is not None


def is_public(address: str) -> bool:
    """Tell whether an address is one that anybody on the internet can reach.

    Args:
        address: As a resolver gives it, possibly with a scope (`fe80::1%eth0`).

    Source: RFC 6890 (B-14).
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return _is_public_v4(parsed)
    inner = _embedded(parsed)
    return _is_public_v6(parsed) if inner is None else _is_public_v4(inner)


def is_loopback(address: str) -> bool:
    """Tell whether an address is this machine's own."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return parsed.is_loopback


def _is_public_v4(address: IPv4Address) -> bool:
    # The library calls multicast global; nobody can connect to it.
    plain = address.is_global and not address.is_multicast
    return plain and not any(address in network for network in _NOT_PUBLIC)


def _is_public_v6(address: IPv6Address) -> bool:
    # 6to4 and Teredo lead to an IPv4 address by way of a relay. Nothing is served there.
    tunnelled = address.sixtofour is not None or address.teredo is not None
    plain = address.scope_id is None and address in _GLOBAL_UNICAST
    return plain and address.is_global and not tunnelled


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & _LOW_32_BITS)
    return None
