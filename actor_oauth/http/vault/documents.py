"""The client metadata that this server publishes about itself (CIMD)."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.http.asgi import Route
from actor_oauth.http.messages import Endpoint, HeaderLine, Request, Response
from actor_oauth.http.render import JSON_TYPE, NO_SNIFF, json_bytes, private_json
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.upstream.clients import ClientMethod, client_metadata
from actor_oauth.oauth.upstream.token_requests import published_keys
from actor_oauth.upstream.vault import Vault

# As `addresses.host_label` makes them.
_LABEL: Final = re.compile(r"[A-Za-z0-9_.:-]{1,255}")
_CACHE: Final[HeaderLine] = (b"cache-control", b"public, max-age=900")
_NOT_FOUND: Final = {
    "error": "not_found",
    "error_description": "There is no such document here.",
}


def key_routes(vault: Vault, server: AuthorizationServer) -> Mapping[str, Route]:
    """Give the route of the public keys, by path."""
    path = urlsplit(vault.policy.jwks_uri).path
    return {path: Route(endpoint=_keys(server), method="GET")}


def client_routes(vault: Vault) -> Mapping[str, Route]:
    """Give the routes of the documents, by their path before its last segment.

    There is a document for each host that may ask, since each gets a redirect URI of its
    own. The document of a host that nobody here has heard of is as good as any: all that
    it says is where this server's own pages are.
    """
    methods: tuple[ClientMethod, ...] = ("none", "private_key_jwt")
    return {
        urlsplit(vault.policy.document_url("", method)).path.rstrip("/"): Route(
            endpoint=_client_document(vault, method), method="GET"
        )
        for method in methods
    }


def _client_document(vault: Vault, method: ClientMethod) -> Endpoint:
    async def serve(request: Request) -> Response:
        label = request.path.rpartition("/")[2]
        if not _LABEL.fullmatch(label):
            return private_json(_NOT_FOUND, status=404)
        policy = vault.policy
        document: dict[str, Json] = {"client_id": policy.document_url(label, method)}
        document |= client_metadata(
            client_name=policy.client_name,
            redirect_uri=policy.redirect_uri(label),
            method=method,
            client_uri=policy.client_uri,
            jwks_uri=policy.jwks_uri,
        )
        return _public(document)

    return serve


def _keys(server: AuthorizationServer) -> Endpoint:
    async def serve(_request: Request) -> Response:
        return _public(published_keys(server.effects.keyring))

    return serve


def _public(document: Mapping[str, Json]) -> Response:
    return Response(
        status=200, headers=(JSON_TYPE, NO_SNIFF, _CACHE), body=json_bytes(document)
    )
