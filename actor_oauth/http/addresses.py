"""Where the endpoints live: under the issuer's path, whatever host was asked (A-01)."""

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The issuer's URL, taken apart once.

    Attributes:
        issuer: As configured.
        origin: Scheme and authority, as browsers send them in `Origin`.
        host: The authority, for people to read.
        base: The issuer's path without a trailing slash; empty for most.
        secure: Whether the issuer is https.
    """

    issuer: str
    origin: str
    host: str
    base: str
    secure: bool

    def cookie_name(self, purpose: str) -> str:
        """The name of one of our cookies (J-06).

        Cookies know neither ports nor, with `Path=/`, paths, so two servers on one
        host would overwrite each other's: a few digits of the issuer keep them apart.
        `__Host-` demands https; development on loopback goes without.
        """
        suffix = hashlib.sha256(self.issuer.encode()).hexdigest()[:8]
        return f"{'__Host-' if self.secure else ''}ao-{purpose}-{suffix}"


def addresses_of(issuer: str) -> Addresses:
    """Take a valid issuer URL apart."""
    parts = urlsplit(issuer)
    scheme, host = parts.scheme.lower(), parts.netloc.lower()
    # Browsers leave the default port out of Origin.
    default_port = ":443" if scheme == "https" else ":80"
    return Addresses(
        issuer=issuer,
        origin=f"{scheme}://{host.removesuffix(default_port)}",
        host=host,
        base=parts.path.rstrip("/"),
        secure=scheme == "https",
    )
