"""Clients whose id is the URL of a document that they publish.

The document is client metadata (RFC 7591), with the URL as `client_id`. Anyone who can
publish at the URL is the client: nothing was registered, nobody was asked.

Rule 1: the document names its own URL, character for character. A document that was
copied, or reached in another way, is another client's.
Rule 2: there is no shared secret, since the document is public.
Rule 3: the client publishes one document for every server, so what this server does not
have is passed over, as long as something usable remains.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from actor_oauth.oauth.client_metadata import (
    MetadataReader,
    read_application_type,
    read_assertion_algorithm,
    read_further,
    read_grant_types,
    read_keys,
    read_openid,
    read_redirect_uris,
    read_response_types,
    read_scope,
)
from actor_oauth.oauth.clients import AuthMethod, Client
from actor_oauth.oauth.json_values import Json, parse_json_object
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redirect_uris import check_redirect_uri
from actor_oauth.oauth.uris import MAX_URI_LENGTH, Uri, parse_web_url

MAX_DOCUMENT_BYTES: Final = 5120

MIN_CACHED: Final = 60
MAX_CACHED: Final = 7 * 86400
USUALLY_CACHED: Final = 3600
"""Seconds that a document is used before it is fetched again."""

MAX_STALE: Final = 86400
"""Seconds that a document is used further while it cannot be fetched."""

_SECRETS: Final = ("client_secret", "client_secret_expires_at")
_METHODS: Final[Mapping[str, AuthMethod]] = {
    "none": "none",
    "private_key_jwt": "private_key_jwt",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheTimes:
    """How long a document that was just fetched may be used.

    Attributes:
        fresh_until: Until then nothing is asked.
        usable_until: Until then it is used if asking fails for a passing reason.
    """

    fresh_until: int
    usable_until: int


def is_document_url(client_id: str, policy: Policy) -> bool:
    """Tell whether a client id is the URL of a document that may be fetched.

    Source: draft-ietf-oauth-client-id-metadata-document-00 §3 (B-06).
    """
    if not policy.metadata_documents_enabled or not client_id.startswith("http"):
        return False
    uri = parse_web_url(client_id, max_length=MAX_URI_LENGTH)
    if uri is None or uri.path in ("", "/"):
        return False
    local = policy.loopback_documents and uri.is_loopback
    return (client_id.startswith("https://") or local) and not _climbs(uri)


def decide_document(
    body: bytes, url: str, policy: Policy, *, now: int
) -> Client | Refused:
    """Decide what client a document describes.

    Args:
        body: As fetched, within `MAX_DOCUMENT_BYTES`.
        url: Where from; the client id.
        policy: The server's.
        now: When it was fetched, in Unix seconds.

    Source: draft-ietf-oauth-client-id-metadata-document-00 §4 (B-07 to B-12).
    """
    members = parse_json_object(body)
    if members is None:
        return Refused(Reason.DOCUMENT_MALFORMED)
    if members.get("client_id") != url:
        return Refused(Reason.DOCUMENT_CLIENT_ID_WRONG)
    if any(members.get(name) is not None for name in _SECRETS):
        return Refused(Reason.DOCUMENT_HAS_SECRET)
    return _read(_without_foreign_schemes(members, policy), url, policy, now)


def cache_times(fresh_for: int | None, *, now: int) -> CacheTimes:
    """Give how long a document may be used that says it stays fresh for some seconds.

    Args:
        fresh_for: From the answer's `Cache-Control`; None if it says nothing.
        now: When it was fetched, in Unix seconds.

    Source: draft-ietf-oauth-client-id-metadata-document-00 §4.4 (B-16).
    """
    stated = USUALLY_CACHED if fresh_for is None else fresh_for
    fresh_until = now + max(MIN_CACHED, min(stated, MAX_CACHED))
    return CacheTimes(fresh_until=fresh_until, usable_until=fresh_until + MAX_STALE)


def _climbs(uri: Uri) -> bool:
    """Whether a path has a segment that means another path, encoded or not."""
    return any(unquote(part) in (".", "..") for part in uri.path.split("/"))


def _read(
    members: Mapping[str, Json], url: str, policy: Policy, now: int
) -> Client | Refused:
    reader = MetadataReader(members)
    name = reader.words("client_name")
    if name is None:
        reader.refuse(Reason.DOCUMENT_NAME_MISSING)
    application_type = read_application_type(reader)
    jwks, jwks_uri = read_keys(reader)
    method, accepted = _read_method(reader, has_keys=bool(jwks or jwks_uri))
    grant_types = read_grant_types(reader, policy)
    client = Client(
        client_id=url,
        redirect_uris=read_redirect_uris(reader, policy, application_type),
        auth_method=method,
        auth_methods_accepted=accepted,
        grant_types=grant_types,
        response_types=read_response_types(reader, grant_types),
        origin="metadata-document",
        client_name=name,
        scope=read_scope(reader, policy, strict=False),
        client_uri=reader.uri("client_uri"),
        logo_uri=reader.uri("logo_uri"),
        tos_uri=reader.uri("tos_uri"),
        policy_uri=reader.uri("policy_uri"),
        application_type=application_type,
        jwks=jwks,
        jwks_uri=jwks_uri,
        assertion_algorithm=read_assertion_algorithm(reader),
        openid=read_openid(reader, policy),
        issued_at=now,
        metadata=read_further(reader),
    )
    return client if reader.refusal is None else Refused(reader.refusal)


def _read_method(
    reader: MetadataReader, *, has_keys: bool
) -> tuple[AuthMethod, frozenset[AuthMethod]]:
    """Find an authentication method that the client and this server both support.

    A client that prefers one is held to it. One that can do both and prefers nothing,
    or to send nothing, may do either: an assertion that it does send must be good.

    Source: OpenID Connect RP Metadata Choices 1.0 (B-09, B-10).
    """
    preferred = reader.text("token_endpoint_auth_method")
    choices = reader.texts("token_endpoint_auth_methods_supported") or ()
    if preferred is not None and choices and preferred not in choices:
        reader.refuse(Reason.DOCUMENT_METHOD_INCONSISTENT)
    offered = set(choices) or {preferred or "none"}
    if any(name.startswith("client_secret_") for name in offered):
        reader.refuse(Reason.DOCUMENT_HAS_SECRET)
    common = {_METHODS[name] for name in offered if name in _METHODS}
    if not has_keys:
        common.discard("private_key_jwt")
    if not common:
        reader.refuse(Reason.AUTH_METHOD_UNSUPPORTED)
    if "private_key_jwt" in common and (
        preferred == "private_key_jwt" or "none" not in common
    ):
        return "private_key_jwt", frozenset(("private_key_jwt",))
    return "none", frozenset(common)


def _without_foreign_schemes(
    members: Mapping[str, Json], policy: Policy
) -> dict[str, Json]:
    """Leave out redirect URIs of private-use schemes that this server does not allow."""
    uris = members.get("redirect_uris")
    if not isinstance(uris, list):
        return dict(members)
    kept = [
        uri
        for uri in uris
        if not isinstance(uri, str)
        or check_redirect_uri(uri, policy) is not Reason.REDIRECT_URI_SCHEME
    ]
    return {**members, "redirect_uris": kept or uris}
