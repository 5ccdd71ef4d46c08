"""The metadata documents: fixed while the server runs, so rendered once (A-02, A-10)."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from actor_oauth.http.asgi import Route
from actor_oauth.http.messages import HeaderLine, Request, Response
from actor_oauth.http.render import JSON_TYPE, NO_SNIFF, json_bytes, private_json
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.metadata import (
    AUTHORIZATION_SERVER,
    PROTECTED_RESOURCE,
    Endpoints,
    authorization_server_metadata,
    openid_configuration_paths,
    protected_resource_metadata,
    well_known_path,
)
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.resources import find_resource

_MAX_AGE = b"public, max-age=3600"
_NOT_FOUND = {
    "error": "not_found",
    "error_description": "There is no such document here.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    """One rendered document.

    Attributes:
        host: The authority of the URL that it is about.
        query: The query of that URL.
        body: JSON.
        etag: A strong validator.
    """

    host: bytes
    query: bytes
    body: bytes
    etag: bytes

    def answer(self, request: Request) -> Response:
        """The document, or 304 to a client that has it (A-18)."""
        headers: tuple[HeaderLine, ...] = (
            JSON_TYPE,
            NO_SNIFF,
            (b"cache-control", _MAX_AGE),
            (b"etag", self.etag),
        )
        known = b",".join(request.header_lines(b"if-none-match")).split(b",")
        if any(tag.strip().removeprefix(b"W/") in (self.etag, b"*") for tag in known):
            return Response(status=304, headers=headers[2:])
        return Response(status=200, headers=headers, body=self.body)


def metadata_routes(policy: Policy, endpoints: Endpoints) -> Mapping[str, Route]:
    """The routes of every document, by percent-decoded path.

    Args:
        policy: The server's.
        endpoints: Those that are served.
    """
    served: dict[str, list[_Document]] = defaultdict(list)
    issuer_path = well_known_path(AUTHORIZATION_SERVER, policy.issuer)
    document = authorization_server_metadata(policy, endpoints)
    paths = [issuer_path]
    if policy.openid_enabled:
        paths += openid_configuration_paths(policy.issuer)
    for path in paths:
        served[unquote(path)].append(_document(policy.issuer, document))
    for resource in policy.resources:
        path = well_known_path(PROTECTED_RESOURCE, resource.identifier)
        served[unquote(path.partition("?")[0])].append(_about(resource, policy))
    # clients that do not know the resource's path ask at the root.
    root = f"/.well-known/{PROTECTED_RESOURCE}"
    unnamed = find_resource((), policy)
    if root not in served and unnamed is not None:
        served[root].append(_about(unnamed, policy))
    return {path: _route(documents) for path, documents in served.items()}


async def no_such_document(_request: Request) -> Response:
    """Answer for any other well-known path, readable by scripts like the rest."""
    return private_json(_NOT_FOUND, status=404)


def _about(resource: ResourcePolicy, policy: Policy) -> _Document:
    return _document(
        resource.identifier, protected_resource_metadata(resource, policy.issuer)
    )


def _document(url: str, members: Mapping[str, Json]) -> _Document:
    parts = urlsplit(url)
    body = json_bytes(members)
    digest = hashlib.sha256(body).hexdigest()[:32]
    return _Document(
        host=parts.netloc.lower().encode(),
        query=parts.query.encode(),
        body=body,
        etag=f'"{digest}"'.encode(),
    )


def _route(documents: Sequence[_Document]) -> Route:
    """A route for documents whose URLs differ in host or query only.

    `Host` selects among configured documents and is never repeated in one; a request
    that matches none gets the first, whose `resource` the client compares (RFC 9728
    §3.3).
    """

    async def serve(request: Request) -> Response:
        hosts = request.header_lines(b"host")

        def fit(document: _Document) -> tuple[bool, bool]:
            return document.host in hosts, document.query == request.query_string

        return max(documents, key=fit).answer(request)

    return Route(endpoint=serve, method="GET")
