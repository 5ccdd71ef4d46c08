"""Where a request carries its access token, and where it must not (RFC 6750 §2).

Rule: a token counts in the `Authorization` header and nowhere else. One in the query
ends up in logs and `Referer` headers, one in a cookie is sent by other people's pages.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import unquote_to_bytes

# RFC 9110 §11.2; the length keeps a hostile header from costing more than a look.
_TOKEN68: Final = re.compile(rb"[A-Za-z0-9\-._~+/]{1,4096}={0,4}")


@dataclass(frozen=True, slots=True)
class BearerToken:
    """A token as it was presented: of the right form, otherwise unchecked."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BoundToken:
    """A token as it was presented with the scheme `DPoP` (RFC 9449 §7.1)."""

    value: str = field(repr=False)


class CredentialsFault(StrEnum):
    """Why a request's credentials are no token."""

    NO_CREDENTIALS = "no_credentials"
    """No header, another scheme, or an empty value."""
    MALFORMED = "malformed"
    """The value cannot be a token."""
    SEVERAL = "several"
    """More than one, and servers disagree on which one counts."""


def parse_credentials(
    authorization: Sequence[bytes], query_string: bytes
) -> BearerToken | BoundToken | CredentialsFault:
    """Find the one access token of a request (G-01 to G-04).

    Args:
        authorization: The values of all `Authorization` header lines.
        query_string: As on the wire. A token here is ignored, but beside a header it
            makes two methods, which RFC 6750 §3.1 calls an invalid request.
    """
    if not authorization:
        return CredentialsFault.NO_CREDENTIALS
    if len(authorization) > 1:
        return CredentialsFault.SEVERAL
    scheme, _, value = authorization[0].strip(b" \t").partition(b" ")
    value = value.strip(b" \t")
    kind = _KINDS.get(scheme.lower())
    if kind is None or not value:
        return CredentialsFault.NO_CREDENTIALS
    if query_string and _has_access_token(query_string):
        return CredentialsFault.SEVERAL
    if _TOKEN68.fullmatch(value) is None:
        return CredentialsFault.MALFORMED
    return kind(value.decode("ascii"))


_KINDS: Final[Mapping[bytes, type[BearerToken] | type[BoundToken]]] = {
    b"bearer": BearerToken,
    b"dpop": BoundToken,
}


def _has_access_token(query_string: bytes) -> bool:
    names = (field.partition(b"=")[0] for field in query_string.split(b"&"))
    return any(unquote_to_bytes(name) == b"access_token" for name in names)
