"""What a protected resource says about itself (RFC 9728)."""

from dataclasses import dataclass
from typing import Final

from actor_oauth.oauth.json_values import get_text, get_texts, parse_json_object
from actor_oauth.oauth.resources import canonical_resource, covers
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.upstream.addresses import read_url
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault

NO_SCOPE: Final = Scope()
MAX_SERVERS: Final = 8
MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceMetadata:
    """A resource that tokens can be asked for.

    Attributes:
        resource: Its identifier, as it writes it.
        authorization_servers: Issuers, in its order of preference.
        scopes: Those that it lists.
        name: For people, or None.
    """

    resource: str
    authorization_servers: tuple[str, ...]
    scopes: Scope = NO_SCOPE
    name: str | None = None


def decide_resource_metadata(
    body: bytes, url: str, *, loopback: bool
) -> ResourceMetadata | UpstreamFailed:
    """Decide whether a document may describe a URL.

    Its `resource` must be the URL, or one of the same origin whose path ends at a
    segment of the URL's path: otherwise the server there could name any other resource,
    and have a token for it sent to itself (I-05).

    Args:
        body: As fetched.
        url: What a token is wanted for.
        loopback: Development only: issuers may be on this machine.

    Source: RFC 9728 §3.3, §7.3.
    """
    members = parse_json_object(body)
    resource = None if members is None else get_text(members, "resource")
    if members is None or resource is None:
        return UpstreamFailed(fault=UpstreamFault.METADATA_MALFORMED, detail="resource")
    is_same = canonical_resource(resource) == canonical_resource(url)
    if not is_same and not covers(resource, url):
        return UpstreamFailed(fault=UpstreamFault.RESOURCE_MISMATCH, detail=resource)
    listed = get_texts(members, "authorization_servers")[:MAX_SERVERS]
    servers = tuple(name for name in listed if is_issuer(name, loopback=loopback))
    if not servers:
        fault = UpstreamFault.NO_AUTHORIZATION_SERVER
        return UpstreamFailed(fault=fault, detail=" ".join(listed))
    return ResourceMetadata(
        resource=resource,
        authorization_servers=servers,
        scopes=read_scopes(get_texts(members, "scopes_supported")),
        name=(get_text(members, "resource_name") or "")[:MAX_NAME] or None,
    )


def is_issuer(name: str, *, loopback: bool) -> bool:
    """Tell whether a text may be an issuer identifier (RFC 8414 §2)."""
    uri = read_url(name, loopback=loopback)
    return uri is not None and uri.query is None


def read_scopes(names: tuple[str, ...]) -> Scope:
    """Give the scopes of a list, without what is none."""
    return (
        parse_scope(" ".join(name for name in names if parse_scope(name))) or NO_SCOPE
    )
