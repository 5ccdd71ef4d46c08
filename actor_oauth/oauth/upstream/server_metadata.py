"""Authorization server metadata (RFC 8414, OpenID Connect Discovery)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from actor_oauth.oauth.json_values import (
    Json,
    get_text,
    get_texts,
    need_text,
    parse_json_object,
)
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.upstream.addresses import read_url
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.resource_metadata import NO_SCOPE, read_scopes

# RFC 8414 §2: what holds if the server does not say.
DEFAULT_METHODS: Final = ("client_secret_basic",)

_MAX_LISTED: Final = 64
_OPTIONAL: Final = (
    "registration_endpoint",
    "revocation_endpoint",
    "pushed_authorization_request_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
)
_LISTS: Final = (
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "dpop_signing_alg_values_supported",
)
_FLAGS: Final = (
    "authorization_response_iss_parameter_supported",
    "client_id_metadata_document_supported",
    "require_pushed_authorization_requests",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamServer:
    """Another authorization server.

    Attributes:
        issuer: Its identifier, character for character.
        authorization_endpoint: Where browsers are sent.
        token_endpoint: Where codes and refresh tokens are traded.
        registration_endpoint: For RFC 7591, or None.
        revocation_endpoint: For RFC 7009, or None.
        pushed_authorization_request_endpoint: For RFC 9126, or None.
        userinfo_endpoint: Of OpenID Connect, or None.
        jwks_uri: Its public keys, or None.
        token_endpoint_auth_methods_supported: How clients may authenticate.
        token_endpoint_auth_signing_alg_values_supported: For signed assertions.
        dpop_signing_alg_values_supported: Empty if it knows no DPoP.
        scopes_supported: Those that it lists.
        authorization_response_iss_parameter_supported: Whether it promises `iss`.
        client_id_metadata_document_supported: Whether it reads clients' documents.
        require_pushed_authorization_requests: Whether it wants requests pushed.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    registration_endpoint: str | None = None
    revocation_endpoint: str | None = None
    pushed_authorization_request_endpoint: str | None = None
    userinfo_endpoint: str | None = None
    jwks_uri: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = DEFAULT_METHODS
    token_endpoint_auth_signing_alg_values_supported: tuple[str, ...] = ()
    dpop_signing_alg_values_supported: tuple[str, ...] = ()
    scopes_supported: Scope = NO_SCOPE
    authorization_response_iss_parameter_supported: bool = False
    client_id_metadata_document_supported: bool = False
    require_pushed_authorization_requests: bool = False

    def to_record(self) -> dict[str, Json]:
        """Give what is stored of it: the members of its document."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": self.authorization_endpoint,
            "token_endpoint": self.token_endpoint,
            **{name: getattr(self, name) for name in _OPTIONAL},
            **{name: list(getattr(self, name)) for name in _LISTS},
            **{name: getattr(self, name) for name in _FLAGS},
            "scopes_supported": [*self.scopes_supported],
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Json]) -> "UpstreamServer":
        """Read what `to_record` gave.

        Raises:
            RecordError: It is damaged.
        """
        return _read(
            record,
            authorization_endpoint=need_text(record, "authorization_endpoint"),
            token_endpoint=need_text(record, "token_endpoint"),
            optional={name: get_text(record, name) for name in _OPTIONAL},
        )


def decide_server_metadata(
    body: bytes, issuer: str, *, loopback: bool, needs_pkce: bool = True
) -> UpstreamServer | UpstreamFailed:
    """Decide whether a document may describe an issuer.

    Args:
        body: As fetched.
        issuer: Whose document was asked for.
        loopback: Development only: endpoints may be on this machine.
        needs_pkce: Whether a server that does not list the method S256 is refused. Some
            that were configured by hand have it and do not say so.

    Source: RFC 8414 §3.3, MCP authorization-server discovery (I-07, I-08, I-09).
    """
    members = parse_json_object(body)
    if members is None or get_text(members, "issuer") is None:
        return UpstreamFailed(fault=UpstreamFault.METADATA_MALFORMED, detail=issuer)
    if members["issuer"] != issuer:
        detail = f"{issuer} says that it is {members['issuer']}"
        return UpstreamFailed(fault=UpstreamFault.ISSUER_MISMATCH, detail=detail)
    endpoints = {
        name: _endpoint(members, name, loopback=loopback)
        for name in ("authorization_endpoint", "token_endpoint", *_OPTIONAL)
    }
    authorization = endpoints.pop("authorization_endpoint")
    token = endpoints.pop("token_endpoint")
    if authorization is None or token is None:
        return UpstreamFailed(fault=UpstreamFault.ENDPOINT_REFUSED, detail=issuer)
    methods = get_texts(members, "code_challenge_methods_supported")
    if needs_pkce and "S256" not in methods:
        return UpstreamFailed(fault=UpstreamFault.PKCE_UNSUPPORTED, detail=issuer)
    return _read(
        members,
        authorization_endpoint=authorization,
        token_endpoint=token,
        optional=endpoints,
    )


def _endpoint(members: Mapping[str, Json], name: str, *, loopback: bool) -> str | None:
    """Give an endpoint that may be used; an optional one that may not is as if absent."""
    url = get_text(members, name)
    return url if url and read_url(url, loopback=loopback) is not None else None


def _read(
    members: Mapping[str, Json],
    *,
    authorization_endpoint: str,
    token_endpoint: str,
    optional: Mapping[str, str | None],
) -> UpstreamServer:
    methods, algorithms, dpop = (
        get_texts(members, name)[:_MAX_LISTED] for name in _LISTS
    )
    sends_iss, reads_documents, wants_pushed = (
        members.get(name) is True for name in _FLAGS
    )
    return UpstreamServer(
        issuer=need_text(members, "issuer"),
        authorization_endpoint=authorization_endpoint,
        token_endpoint=token_endpoint,
        registration_endpoint=optional["registration_endpoint"],
        revocation_endpoint=optional["revocation_endpoint"],
        pushed_authorization_request_endpoint=optional[
            "pushed_authorization_request_endpoint"
        ],
        userinfo_endpoint=optional["userinfo_endpoint"],
        jwks_uri=optional["jwks_uri"],
        token_endpoint_auth_methods_supported=methods or DEFAULT_METHODS,
        token_endpoint_auth_signing_alg_values_supported=algorithms,
        dpop_signing_alg_values_supported=dpop,
        scopes_supported=read_scopes(
            get_texts(members, "scopes_supported")[:_MAX_LISTED]
        ),
        authorization_response_iss_parameter_supported=sends_iss,
        client_id_metadata_document_supported=reads_documents,
        require_pushed_authorization_requests=wants_pushed,
    )
