"""What an operator may decide about the protocol: one frozen value, built by config.

Lifetimes are whole seconds. Nothing here is read from a clock or a file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from actor_oauth.oauth.authorization_details import DetailType
from actor_oauth.oauth.consent_policy import ConsentPolicy
from actor_oauth.oauth.refresh_reuse import RefreshRules
from actor_oauth.oauth.scopes import IDENTITY_SCOPES
from actor_oauth.oauth.signing_keys import SIGNING_ALGORITHMS, SigningAlgorithm
from actor_oauth.oauth.trusted_issuers import TrustPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcePolicy:
    """A protected resource that this server issues tokens for (RFC 9728).

    Attributes:
        identifier: Canonical absolute URL, the one that users enter into clients.
        scopes: Every scope that a token for this resource may carry.
        default_scopes: Granted when a request names no scope (C-08).
        required_scopes: Without all of which its guard lets nobody through; the default
            scopes if not given.
        name: Shown on the consent page.
        has_jwt_tokens: Whether its access tokens are JWTs, which resource servers can
            read and verify by themselves (RFC 9068), and not opaque.
        signing_algorithm: What such tokens are signed with.
        implied_scopes: Pairs of a scope and those that it includes besides itself, as
            `("admin", ("mcp",))`; transitive (G-09).
        detail_types: Kinds of `authorization_details` that it understands (RFC 9396).
        props_clients: Remote servers of the resource that get a grant's props when they
            introspect a token for it; operators' confidential clients only.
    """

    identifier: str
    scopes: tuple[str, ...] = ("mcp",)
    default_scopes: tuple[str, ...] = ("mcp",)
    name: str | None = None
    has_jwt_tokens: bool = False
    signing_algorithm: SigningAlgorithm = "EdDSA"
    implied_scopes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    required_scopes: tuple[str, ...] | None = None
    detail_types: tuple[DetailType, ...] = ()
    props_clients: tuple[str, ...] = ()

    @property
    def needed_scopes(self) -> tuple[str, ...]:
        """What every caller's token must have."""
        given = self.required_scopes
        return self.default_scopes if given is None else given

    @property
    def baseline(self) -> tuple[str, ...]:
        """What a client should ask for to begin with.

        It is listed in the metadata document and the 401 challenge (A-13), and granted
        when a request names no scope: such a client must not be refused for lack of a
        scope.
        """
        return tuple(dict.fromkeys((*self.default_scopes, *self.needed_scopes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long things live, in seconds."""

    code: int = 60
    access_token: int = 3600
    refresh_idle: int = 30 * 86400
    refresh_absolute: int = 90 * 86400
    consent: int = 600
    unused_client: int = 30 * 86400
    pushed_request: int = 90
    session_idle: int = 8 * 3600
    session_absolute: int = 7 * 86400
    device_code: int = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything the protocol needs to know about this server.

    A feature with more than a switch brings a frozen dataclass of its own, in a file of
    its own, and adds it here as one field with a default.

    Attributes:
        issuer: The issuer identifier, byte for byte as published (A-01).
        resources: At least one.
        default_resource: The identifier of the resource for requests that name none; if
            absent, the only resource there is.
        lifetimes: See `Lifetimes`.
        consent: See `ConsentPolicy`.
        refresh: What holds for refresh tokens.
        client_refresh: The same for single clients, by client id.
        registration_enabled: Whether RFC 7591 dynamic registration is offered.
        registration_token_required: Whether that needs an initial access token.
        public_registration: Whether clients without credentials may register so.
        registration_management_enabled: Whether RFC 7592 is offered.
        metadata_documents_enabled: Whether clients may be known by the URL of a
            document that they publish.
        loopback_documents: Development only: documents may be on this machine.
        lenient_assertion_audience: Whether client assertions may name the token
            endpoint, or the issuer with or without a slash at the end, as audience.
        private_use_schemes: Redirect URI schemes allowed beside https and
            loopback http (B-03), such as `cursor`.
        scope_descriptions: Descriptions of scopes for the consent page.
        client_credentials_enabled: Whether clients that the operator made for it may
            get tokens for themselves (RFC 6749 §4.4).
        token_exchange_enabled: Whether a token can be traded for a lesser one (RFC
            8693).
        exchange_targets: Pairs of resource identifiers: a token for the first may be
            exchanged for one for the second, which it does not cover by itself.
        exchange_clients: Clients that may exchange tokens of other clients, such as an
            MCP server that calls a further API on its caller's behalf.
        device_authorization_enabled: Whether devices without a browser may ask (RFC
            8628).
        dpop_nonces_required: Whether DPoP proofs must hold a nonce of ours (RFC 9449
            §8, §9).
        openid_enabled: Whether clients can learn who has signed in (OpenID Connect).
        plain_pkce_enabled: Whether clients that the operator registered for it may use
            PKCE's method `plain` (RFC 7636 §4.2). Legacy.
        implicit_enabled: Whether clients that registered for it may get access tokens
            without a code (RFC 6749 §4.2). Legacy.
        require_pushed_requests: Whether authorization requests must be pushed
            (RFC 9126 §5).
        trust: Whose signed word is taken, and for what.
    """

    issuer: str
    resources: tuple[ResourcePolicy, ...]
    default_resource: str | None = None
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    consent: ConsentPolicy = field(default_factory=ConsentPolicy)
    refresh: RefreshRules = field(default_factory=RefreshRules)
    client_refresh: Mapping[str, RefreshRules] = field(default_factory=dict, hash=False)
    registration_enabled: bool = True
    registration_token_required: bool = False
    public_registration: bool = True
    registration_management_enabled: bool = False
    metadata_documents_enabled: bool = False
    loopback_documents: bool = False
    lenient_assertion_audience: bool = True
    private_use_schemes: frozenset[str] = frozenset()
    scope_descriptions: tuple[tuple[str, str], ...] = ()
    client_credentials_enabled: bool = False
    token_exchange_enabled: bool = False
    exchange_targets: frozenset[tuple[str, str]] = frozenset()
    exchange_clients: frozenset[str] = frozenset()
    device_authorization_enabled: bool = False
    dpop_nonces_required: bool = False
    openid_enabled: bool = False
    plain_pkce_enabled: bool = False
    implicit_enabled: bool = False
    require_pushed_requests: bool = False
    trust: TrustPolicy = field(default_factory=TrustPolicy)

    def refresh_rules(self, client_id: str) -> RefreshRules:
        """What holds for the refresh tokens of a client."""
        return self.client_refresh.get(client_id, self.refresh)

    def asking_about_reuse(self) -> "Policy":
        """Give this policy, with the application asked about each late reuse."""
        return replace(
            self,
            refresh=replace(self.refresh, asks=True),
            client_refresh={
                client_id: replace(rules, asks=True)
                for client_id, rules in self.client_refresh.items()
            },
        )

    @property
    def identity_scopes(self) -> tuple[str, ...]:
        """Scopes that are about the user; none without OpenID Connect."""
        return IDENTITY_SCOPES if self.openid_enabled else ()

    @property
    def signing_algorithms(self) -> frozenset[SigningAlgorithm]:
        """What tokens are signed with; nothing if all are opaque.

        With OpenID Connect everything there is: each client chooses for its ID tokens.
        """
        if self.openid_enabled:
            return frozenset(SIGNING_ALGORITHMS)
        return frozenset(
            resource.signing_algorithm
            for resource in self.resources
            if resource.has_jwt_tokens
        )
