"""What this server knows about a client (RFC 7591 §2)."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from actor_oauth.oauth.json_values import (
    Json,
    RecordError,
    get_integer,
    get_object,
    get_text,
    get_texts,
    need_text,
    parse_record,
    render_record,
)
from actor_oauth.oauth.openid_client import OpenIdClient
from actor_oauth.oauth.scopes import OFFLINE_ACCESS, Scope, parse_scope

AuthMethod: TypeAlias = Literal[
    "none", "client_secret_basic", "client_secret_post", "private_key_jwt"
]
Origin: TypeAlias = Literal["pre-registered", "dynamic", "metadata-document"]
ApplicationType: TypeAlias = Literal["web", "native"]

AUTH_METHODS: Final[Mapping[str, AuthMethod]] = {
    name: name for name in get_args(AuthMethod)
}
APPLICATION_TYPES: Final[Mapping[str, ApplicationType]] = {
    name: name for name in get_args(ApplicationType)
}
SECRET_METHODS: Final[frozenset[AuthMethod]] = frozenset(
    ("client_secret_basic", "client_secret_post")
)
GRANT_TYPES: Final = ("authorization_code", "refresh_token")
RESPONSE_TYPES: Final = ("code",)
"""What a client may do that says nothing."""

CLIENT_ID_PREFIX: Final = "aocl_"
CLIENT_ID_BYTES: Final = 16

_OFFLINE: Final = Scope((OFFLINE_ACCESS,))
_ORIGINS: Final[Mapping[str, Origin]] = {name: name for name in get_args(Origin)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered client, as every decision sees it.

    Attributes:
        client_id: From us, or a URL for a metadata document.
        redirect_uris: As registered, at least one.
        auth_method: The registered `token_endpoint_auth_method`.
        auth_methods_accepted: Usually that one. Both ways to send a secret if the
            client never said which it would use (B-29).
        grant_types: Those it may use.
        response_types: Those it may ask for.
        origin: How the client came to be known. Only a pre-registered client was
            vetted by anybody.
        client_name: In the client's own words: unverified.
        scope: What it registered. A limit if an operator set it, else only a note: a
            client that once named too little may ask the user for more.
        resources: Those that the operator limited it to when it acts for itself; empty
            for no limit.
        dpop_bound_access_tokens: Whether it asked never to get tokens that are not
            bound to a key (RFC 9449 §5.2).
        application_type: Only if the client stated it.
        jwks: The client's public keys, as a JWK set.
        jwks_uri: Where they are published instead.
        assertion_algorithm: The only one that it signs assertions with, if it said so.
        openid: What it registered about signing in; None if nothing.
        may_use_plain_pkce: Whether the operator lets it use PKCE's method `plain`, on a
            server that has it (legacy).
        issued_at: When it was registered, in Unix seconds.
        epoch: Rises when the client is enabled again. What was authorized under an
            epoch that has ended is dead (B-36).
        metadata: Further members, returned as they were registered: localized names
            and links (`client_name#de`), contacts, software_id, software_version.
    """

    client_id: str
    redirect_uris: tuple[str, ...]
    auth_method: AuthMethod = "none"
    auth_methods_accepted: frozenset[AuthMethod] = frozenset(("none",))
    grant_types: tuple[str, ...] = GRANT_TYPES
    response_types: tuple[str, ...] = RESPONSE_TYPES
    origin: Origin = "dynamic"
    client_name: str | None = None
    scope: Scope | None = None
    client_uri: str | None = None
    logo_uri: str | None = None
    tos_uri: str | None = None
    policy_uri: str | None = None
    resources: tuple[str, ...] = ()
    application_type: ApplicationType | None = None
    dpop_bound_access_tokens: bool = False
    jwks: Mapping[str, Json] | None = field(default=None, hash=False)
    jwks_uri: str | None = None
    assertion_algorithm: str | None = None
    openid: OpenIdClient | None = None
    may_use_plain_pkce: bool = False
    issued_at: int = 0
    epoch: int = 1
    metadata: Mapping[str, Json] = field(default_factory=dict, hash=False)

    @property
    def is_confidential(self) -> bool:
        """Whether the client has a secret or a key, and must use it everywhere."""
        return "none" not in self.auth_methods_accepted

    @property
    def scope_limit(self) -> Scope | None:
        """The most that an operator lets anybody grant it; None for no such limit."""
        return self.scope if self.origin == "pre-registered" else None

    def may_hold(self, scope: Scope) -> bool:
        """Tell whether a scope is within what the operator lets it be granted.

        `offline_access` says how long, and not what for: no limit is about that.
        """
        limit = self.scope_limit
        return limit is None or not scope.difference(limit.union(_OFFLINE))

    @property
    def has_credential_apart(self) -> bool:
        """Whether it authenticates by what is not stored beside its tokens.

        A key or an operator's secret belongs to a backend. A secret obtained by dynamic
        registration usually lies in the same file as the tokens, so anyone who copied
        those has it too.
        """
        vetted = self.origin == "pre-registered"
        return self.is_confidential and (
            vetted or self.auth_method == "private_key_jwt"
        )

    def to_record(self) -> str:
        """Give the JSON text to store. It holds no secret."""
        return render_record(
            {
                "client_id": self.client_id,
                "redirect_uris": list(self.redirect_uris),
                "auth_method": self.auth_method,
                "auth_methods_accepted": [*sorted(self.auth_methods_accepted)],
                "grant_types": list(self.grant_types),
                "response_types": list(self.response_types),
                "origin": self.origin,
                "client_name": self.client_name,
                "scope": None if self.scope is None else str(self.scope),
                "client_uri": self.client_uri,
                "logo_uri": self.logo_uri,
                "tos_uri": self.tos_uri,
                "policy_uri": self.policy_uri,
                "resources": list(self.resources) or None,
                "application_type": self.application_type,
                "dpop_bound_access_tokens": self.dpop_bound_access_tokens or None,
                "jwks": None if self.jwks is None else dict(self.jwks),
                "jwks_uri": self.jwks_uri,
                "assertion_algorithm": self.assertion_algorithm,
                "openid": None if self.openid is None else self.openid.to_members(),
                "plain_pkce": self.may_use_plain_pkce or None,
                "issued_at": self.issued_at,
                "epoch": self.epoch,
                "metadata": dict(self.metadata) or None,
            }
        )

    @classmethod
    def from_record(cls, text: str) -> "Client":
        """Read a client back. What an older record lacks is taken as not allowed.

        Raises:
            RecordError: The record is damaged.
        """
        record = parse_record(text)
        scope = get_text(record, "scope")
        return cls(
            client_id=need_text(record, "client_id"),
            redirect_uris=get_texts(record, "redirect_uris"),
            auth_method=_auth_method(need_text(record, "auth_method")),
            auth_methods_accepted=frozenset(
                map(_auth_method, get_texts(record, "auth_methods_accepted"))
            ),
            grant_types=get_texts(record, "grant_types"),
            response_types=get_texts(record, "response_types"),
            # An unknown origin counts as the least trusted one.
            origin=_ORIGINS.get(get_text(record, "origin") or "", "dynamic"),
            client_name=get_text(record, "client_name"),
            scope=None if scope is None else parse_scope(scope) or Scope(),
            client_uri=get_text(record, "client_uri"),
            logo_uri=get_text(record, "logo_uri"),
            tos_uri=get_text(record, "tos_uri"),
            policy_uri=get_text(record, "policy_uri"),
            resources=get_texts(record, "resources"),
            dpop_bound_access_tokens=record.get("dpop_bound_access_tokens") is True,
            application_type=APPLICATION_TYPES.get(
                get_text(record, "application_type") or ""
            ),
            jwks=get_object(record, "jwks") or None,
            jwks_uri=get_text(record, "jwks_uri"),
            assertion_algorithm=get_text(record, "assertion_algorithm"),
            openid=(
                OpenIdClient.from_members(get_object(record, "openid"))
                if "openid" in record
                else None
            ),
            may_use_plain_pkce=record.get("plain_pkce") is True,
            issued_at=get_integer(record, "issued_at"),
            epoch=get_integer(record, "epoch"),
            metadata=get_object(record, "metadata"),
        )


def new_client_id(random: bytes) -> str:
    """Make a client id: a prefix and 22 characters that need no encoding anywhere.

    It never looks like a URL, nor like a user's id (B-01, E-05).

    Args:
        random: 16 random bytes. Not a secret, but ids must not collide.

    Raises:
        ValueError: There are not 16 of them.
    """
    if len(random) != CLIENT_ID_BYTES:
        raise ValueError("a client id takes 16 random bytes")
    return CLIENT_ID_PREFIX + urlsafe_b64encode(random).decode().rstrip("=")


def _auth_method(name: str) -> AuthMethod:
    method = AUTH_METHODS.get(name)
    if method is None:
        raise RecordError("a stored client has an unknown authentication method")
    return method
