"""This server as a client of another authorization server.

In order of preference (I-11): credentials that the operator configured; the URL of a
document that this server publishes about itself; dynamic registration.

Rule: credentials are one issuer's. They are stored under it and go nowhere else (I-12).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from actor_oauth.oauth.json_values import (
    Json,
    get_integer,
    get_text,
    need_text,
    parse_json_object,
)
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.server_metadata import UpstreamServer

ClientMethod: TypeAlias = Literal[
    "client_secret_basic", "client_secret_post", "private_key_jwt", "none"
]
ClientOrigin: TypeAlias = Literal["configured", "document", "registered"]

ASSERTION_ALGORITHM: Final = "ES256"

_METHODS: Final[Mapping[str, ClientMethod]] = {
    "client_secret_basic": "client_secret_basic",
    "client_secret_post": "client_secret_post",
    "private_key_jwt": "private_key_jwt",
    "none": "none",
}
_ORIGINS: Final[Mapping[str, ClientOrigin]] = {
    "configured": "configured",
    "document": "document",
    "registered": "registered",
}
_MAX_TEXT: Final = 2048
_GRANT_TYPES: Final = ("authorization_code", "refresh_token")
_CREATED: Final = (200, 201)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamClient:
    """This server as a client.

    Attributes:
        client_id: As the other server knows it.
        method: How it authenticates.
        redirect_uri: Where its answers come.
        origin: How it came to be.
        secret: For the methods that have one.
        expires_at: When the secret ends, in Unix seconds; 0 for never.
    """

    client_id: str
    method: ClientMethod
    redirect_uri: str
    origin: ClientOrigin
    secret: str | None = field(default=None, repr=False)
    expires_at: int = 0

    def to_record(self) -> dict[str, Json]:
        """Give what is stored of it. It is as secret as the client secret."""
        return {
            "client_id": self.client_id,
            "method": self.method,
            "redirect_uri": self.redirect_uri,
            "origin": self.origin,
            "secret": self.secret,
            "expires_at": self.expires_at,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Json]) -> "UpstreamClient":
        """Read what `to_record` gave.

        Raises:
            RecordError: It is damaged.
            KeyError: A member is missing.
        """
        return cls(
            client_id=need_text(record, "client_id"),
            method=_METHODS[need_text(record, "method")],
            redirect_uri=need_text(record, "redirect_uri"),
            origin=_ORIGINS[need_text(record, "origin")],
            secret=get_text(record, "secret"),
            expires_at=get_integer(record, "expires_at"),
        )


def choose_method(server: UpstreamServer, *, signs: bool) -> ClientMethod | None:
    """Give how to authenticate at a server, of the ways that it offers.

    A secret first: without it a stolen refresh token is useless. Then a key, and `none`
    only if there is nothing else.

    Args:
        server: Which.
        signs: Whether there is a key, and the public part of it is published.
    """
    offered = server.token_endpoint_auth_methods_supported
    can_sign = signs and can_sign_for(server)
    for name, method in _METHODS.items():
        if name in offered and (method != "private_key_jwt" or can_sign):
            return method
    return None


def can_sign_for(server: UpstreamServer) -> bool:
    """Tell whether a server accepts assertions that this one signs."""
    algorithms = server.token_endpoint_auth_signing_alg_values_supported
    return not algorithms or ASSERTION_ALGORITHM in algorithms


def document_method(server: UpstreamServer) -> ClientMethod:
    """Give how a client that publishes a document authenticates: it has no secret."""
    offered = server.token_endpoint_auth_methods_supported
    if "private_key_jwt" in offered and can_sign_for(server):
        return "private_key_jwt"
    return "none"


def client_metadata(
    *,
    client_name: str,
    redirect_uri: str,
    method: ClientMethod,
    client_uri: str | None,
    jwks_uri: str | None,
) -> dict[str, Json]:
    """Give this server's client metadata, to register it or to publish.

    Args:
        client_name: For people who are asked for consent.
        redirect_uri: Where responses are sent.
        method: How it authenticates.
        client_uri: Its web site, or None.
        jwks_uri: Its public keys; None if it cannot sign.

    Source: RFC 7591 §2, SEP-837, SEP-2207 (I-13).
    """
    about: dict[str, Json] = {} if client_uri is None else {"client_uri": client_uri}
    members: dict[str, Json] = {
        "client_name": client_name,
        **about,
        "redirect_uris": [redirect_uri],
        "grant_types": [*_GRANT_TYPES],
        "response_types": ["code"],
        "application_type": _application_type(redirect_uri),
        "token_endpoint_auth_method": method,
    }
    if method == "private_key_jwt":
        members["jwks_uri"] = jwks_uri
        members["token_endpoint_auth_signing_alg"] = ASSERTION_ALGORITHM
    return members


def decide_registration(
    status: int, body: bytes, *, redirect_uri: str, now: int
) -> UpstreamClient | UpstreamFailed:
    """Read the answer to a registration request.

    What the other server says counts, whatever was asked for: it may give another
    method, a secret that ends, or a redirect URI that is not ours, which is refused.

    Args:
        status: Of the answer.
        body: Of the answer.
        redirect_uri: The one that was registered.
        now: The time, in Unix seconds.

    Source: RFC 7591 §3.2 (I-13).
    """
    members = parse_json_object(body)
    if status not in _CREATED or members is None:
        detail = None if members is None else get_text(members, "error")
        return _refused(f"{status} {(detail or '')[:80]}")
    client_id, secret = (
        get_text(members, "client_id"),
        get_text(members, "client_secret"),
    )
    uris = members.get("redirect_uris", [redirect_uri])
    if not client_id or len(client_id) > _MAX_TEXT or len(secret or "") > _MAX_TEXT:
        return _refused("client_id or client_secret")
    if not isinstance(uris, list) or redirect_uri not in uris:
        return _refused("redirect_uris")
    implied = "client_secret_basic" if secret else "none"
    method = _METHODS.get(
        get_text(members, "token_endpoint_auth_method") or implied, None
    )
    if method is None or (method.startswith("client_secret") and not secret):
        return _refused("token_endpoint_auth_method")
    expires_at = get_integer(members, "client_secret_expires_at")
    if secret and 0 < expires_at <= now:
        return _refused("client_secret_expires_at")
    return UpstreamClient(
        client_id=client_id,
        method=method,
        redirect_uri=redirect_uri,
        origin="registered",
        secret=secret if method.startswith("client_secret") else None,
        expires_at=max(0, expires_at) if secret else 0,
    )


def _application_type(redirect_uri: str) -> str:
    # Plain http is for this machine only, which no web application is at.
    return "web" if redirect_uri.startswith("https:") else "native"


def _refused(detail: str) -> UpstreamFailed:
    return UpstreamFailed(fault=UpstreamFault.REGISTRATION_REFUSED, detail=detail)
