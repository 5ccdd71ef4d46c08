"""From a URL to the server that issues tokens for it (RFC 9728, RFC 8414, OIDC).

The result of each step is checked by `actor_oauth.oauth.upstream` before the next one
is taken. Only "there is no such document" leads to the next location; a server that
cannot be reached is an error, and no reason to try elsewhere (I-10).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.upstream.addresses import (
    origin_of,
    read_url,
    resource_metadata_urls,
    server_metadata_urls,
)
from actor_oauth.oauth.upstream.challenges import AuthChallenge
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.resource_metadata import (
    NO_SCOPE,
    ResourceMetadata,
    decide_resource_metadata,
)
from actor_oauth.oauth.upstream.server_metadata import (
    UpstreamServer,
    decide_server_metadata,
)
from actor_oauth.upstream.documents import fetch_document
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.probe import Probed, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """Where tokens for a resource come from.

    Attributes:
        resource: The identifier to ask for.
        server: Whom to ask.
        challenged: The scope that the resource's challenge wants.
        listed: The scopes that its metadata lists.
        name: What it calls itself, or None.
    """

    resource: str
    server: UpstreamServer
    challenged: Scope = NO_SCOPE
    listed: Scope = NO_SCOPE
    name: str | None = None


async def discover(
    fetcher: Fetcher,
    url: str,
    probed: Probed,
    *,
    preferred: Collection[str] = (),
    loopback: bool = False,
) -> Discovered | UpstreamFailed:
    """Discover the authorization server of a URL.

    Args:
        fetcher: Fetches from the web.
        url: What a token is wanted for.
        probed: What asking it showed.
        preferred: Issuers that are asked first, if the resource names several.
        loopback: Development only: servers may be on this machine.
    """
    found = await discover_resource(fetcher, url, probed.challenge, loopback=loopback)
    if isinstance(found, UpstreamFailed):
        return found
    if found is None:
        if probed.verdict is not Verdict.PROTECTED:
            return UpstreamFailed(fault=UpstreamFault.INCONCLUSIVE, detail=url)
        found = _without_metadata(url, loopback=loopback)
    issuers = sorted(
        found.authorization_servers, key=lambda issuer: issuer not in preferred
    )
    server = await _first_server(fetcher, issuers, loopback=loopback)
    if isinstance(server, UpstreamFailed):
        return server
    scope = probed.challenge and probed.challenge.get("scope")
    return Discovered(
        resource=found.resource,
        server=server,
        challenged=parse_scope(scope or "") or NO_SCOPE,
        listed=found.scopes,
        name=found.name,
    )


async def discover_resource(
    fetcher: Fetcher, url: str, challenge: AuthChallenge | None, *, loopback: bool
) -> ResourceMetadata | UpstreamFailed | None:
    """Discover a resource's metadata (I-04, I-05).

    Args:
        fetcher: Fetches from the web.
        url: What a token is wanted for.
        challenge: Of its refusal, which may say where the document is.
        loopback: Development only.

    Returns:
        None if the document exists nowhere.
    """
    uri = read_url(url, loopback=loopback)
    if uri is None:
        return UpstreamFailed(fault=UpstreamFault.URL_REFUSED, detail=url)
    named = challenge and challenge.get("resource_metadata")
    for place in (named,) if named else resource_metadata_urls(uri):
        body = await fetch_document(fetcher, place)
        if isinstance(body, UpstreamFailed):
            return body
        if body is not None:
            return decide_resource_metadata(body, url, loopback=loopback)
    if named:
        # The challenge names a document that does not exist: guessing cannot do better.
        return UpstreamFailed(fault=UpstreamFault.METADATA_MALFORMED, detail=named)
    return None


async def discover_server(
    fetcher: Fetcher,
    issuer: str,
    *,
    documents_at: str | None = None,
    loopback: bool,
    needs_pkce: bool = True,
) -> UpstreamServer | UpstreamFailed:
    """Discover an issuer's metadata, at every allowed location (I-06 to I-08).

    Args:
        fetcher: Fetches from the web.
        issuer: Its identifier, character for character.
        documents_at: The URL below which its documents are, if that is not the issuer.
        loopback: Development only: it may be on this machine.
        needs_pkce: See `decide_server_metadata`.
    """
    uri = read_url(documents_at or issuer, loopback=loopback)
    if uri is None or uri.query is not None:
        return UpstreamFailed(fault=UpstreamFault.ENDPOINT_REFUSED, detail=issuer)
    failed = UpstreamFailed(fault=UpstreamFault.NO_AUTHORIZATION_SERVER, detail=issuer)
    for place in server_metadata_urls(uri):
        body = await fetch_document(fetcher, place)
        if isinstance(body, UpstreamFailed):
            return body
        if body is None:
            continue
        server = decide_server_metadata(
            body, issuer, loopback=loopback, needs_pkce=needs_pkce
        )
        if isinstance(server, UpstreamServer):
            return server
        failed = server
    return failed


async def _first_server(
    fetcher: Fetcher, issuers: Sequence[str], *, loopback: bool
) -> UpstreamServer | UpstreamFailed:
    answer: UpstreamServer | UpstreamFailed = UpstreamFailed(
        fault=UpstreamFault.NO_AUTHORIZATION_SERVER
    )
    for issuer in issuers:
        answer = await discover_server(fetcher, issuer, loopback=loopback)
        if isinstance(answer, UpstreamServer) or answer.is_passing:
            return answer
    return answer


def _without_metadata(url: str, *, loopback: bool) -> ResourceMetadata:
    """Take the resource's own origin for its issuer, as before RFC 9728."""
    uri = read_url(url, loopback=loopback)
    assert uri is not None
    origin = origin_of(uri)
    return ResourceMetadata(
        resource=url.partition("?")[0],
        # Some write their issuer with a slash; it must be what its document says.
        authorization_servers=(origin, origin + "/"),
    )
