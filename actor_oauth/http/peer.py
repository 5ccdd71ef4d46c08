"""Who is calling: the address that throttles count by (J-19).

`X-Forwarded-For` is trusted only as far as the operator has configured the number of
proxies in front. Each of them appends the address that it was called from, so the last
entries are theirs, and everything before them was written by the caller.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

# A single subscriber usually holds a whole /64 and could walk through it.
_IPV6_NETWORK_BITS = 64


def caller_address(connection: str, forwarded: Sequence[bytes], *, hops: int) -> str:
    """The caller's address in the form that throttles count by.

    Args:
        connection: The peer of the connection.
        forwarded: The lines of `X-Forwarded-For`.
        hops: How many trusted proxies are in front; 0 trusts no header.

    Returns:
        An IPv4 address, an IPv6 network of 64 bits, or `connection` as it is when
        no address can be read.
    """
    if hops == 0 or not forwarded:
        return _network(connection)
    entries = b",".join(forwarded).decode("latin-1").split(",")
    claimed = entries[max(0, len(entries) - hops)].strip()
    return _network(claimed, connection)


@lru_cache(maxsize=4096)
def _network(text: str, otherwise: str | None = None) -> str:
    """The network of an address, with or without a port."""
    bare = text.partition("]")[0].lstrip("[") if text.startswith("[") else text
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return text if otherwise is None else _network(otherwise)
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> _IPV6_NETWORK_BITS << _IPV6_NETWORK_BITS))
