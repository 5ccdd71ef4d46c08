"""Every setting of the provider, in one frozen value.

Rule 1: constructing `Settings` reads nothing but its arguments. Files and the
environment are read by `load_settings`, so that embedding code gets what it wrote.
Rule 2: each setting has one name. In TOML it is the key, in the environment
`ACTOR_OAUTH_` and the name in capitals, and the README's table is made from here.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from actor_oauth.config.hosts import http_url, is_loopback_host, is_loopback_url
from actor_oauth.http.options import HttpOptions
from actor_oauth.oauth.policy import Lifetimes, Policy, ResourcePolicy
from actor_oauth.oauth.signing_keys import SigningAlgorithm
from actor_oauth.runtime import RuntimeLimits

ENVIRONMENT_PREFIX: Final = "ACTOR_OAUTH_"

_LIFETIMES: Final = Lifetimes()
_LIMITS: Final = RuntimeLimits()


class LogLevel(StrEnum):
    """From which severity on a record is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a log record is written."""

    CONSOLE = "console"
    JSON = "json"


def _split_words(value: object) -> object:
    """Take `a, b c` for a list of words: the environment holds only text."""
    if isinstance(value, str):
        return value.replace(",", " ").split()
    return value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_words)]
Seconds = Annotated[int, Field(ge=1, le=10 * 365 * 86400)]


# Of the default resource's scope.
_SCOPE_DESCRIPTIONS: Final = {"mcp": "Use its tools on your behalf"}


class ResourceSettings(BaseModel):
    """A protected resource that tokens are issued for.

    Attributes:
        identifier: Canonical absolute URL, the one that users type into clients.
        scopes: Every scope that a token for this resource may carry.
        default_scopes: Granted when a request names none; without it, `scopes`.
        name: Shown on the consent page.
        access_tokens: `opaque`, or `jwt` for tokens that resource servers can verify by
            themselves (RFC 9068).
        signing_algorithm: What such tokens are signed with.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    identifier: str
    scopes: Words = ("mcp",)
    default_scopes: Words | None = None
    name: str | None = None
    access_tokens: Literal["opaque", "jwt"] = "opaque"
    signing_algorithm: SigningAlgorithm = "EdDSA"

    def policy(self) -> ResourcePolicy:
        """Give the protocol's view of this resource."""
        defaults = self.scopes if self.default_scopes is None else self.default_scopes
        return ResourcePolicy(
            identifier=self.identifier,
            scopes=self.scopes,
            default_scopes=defaults,
            name=self.name,
            has_jwt_tokens=self.access_tokens == "jwt",
            signing_algorithm=self.signing_algorithm,
        )


class Settings(BaseSettings):
    """Everything an operator may decide.

    Durations are whole seconds. What a single setting may be is checked when the
    value is made; what settings mean together is checked by `find_problems`.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        validate_default=False,
    )

    host: str = Field(
        default="127.0.0.1", description="Address that the server listens on."
    )
    port: int = Field(
        default=8000, ge=0, le=65535, description="Port; 0 picks a free one."
    )
    issuer: str | None = Field(
        default=None,
        description="Public base URL, as clients see it; `https` unless it is a "
        "loopback address. Without it, `http://HOST:PORT` of a loopback host.",
    )
    data: Path = Field(
        default=Path(".actor-oauth"),
        description="Data directory; a relative path is taken from the working "
        "directory.",
    )
    workers: int = Field(
        default=1, ge=1, le=256, description="Processes that share port and data."
    )
    trusted_proxy_hops: int = Field(
        default=0,
        ge=0,
        le=16,
        description="How many reverse proxies stand in front and set "
        "`X-Forwarded-For`; 0 ignores that header.",
    )
    shutdown_seconds: int = Field(
        default=10,
        ge=1,
        le=3600,
        description="How long requests in flight may take after a stop signal.",
    )

    access_token_seconds: Seconds = Field(
        default=_LIFETIMES.access_token, description="Life of an access token."
    )
    code_seconds: int = Field(
        default=_LIFETIMES.code,
        ge=1,
        le=600,
        description="Life of an authorization code.",
    )
    refresh_grace_seconds: int = Field(
        default=_LIFETIMES.refresh_grace,
        ge=0,
        le=86400,
        description="How long a used refresh token still answers with the current "
        "tokens, so that retries and parallel clients stay logged in; 0 is strict "
        "one-time use.",
    )
    refresh_idle_seconds: Seconds = Field(
        default=_LIFETIMES.refresh_idle,
        description="A grant ends when it was not refreshed for this long.",
    )
    refresh_absolute_seconds: Seconds = Field(
        default=_LIFETIMES.refresh_absolute,
        description="A grant ends this long after its approval, however often it "
        "was refreshed.",
    )
    consent_seconds: Seconds = Field(
        default=_LIFETIMES.consent,
        description="How long a consent page may wait for its answer.",
    )
    pushed_request_seconds: int = Field(
        default=_LIFETIMES.pushed_request,
        ge=5,
        le=600,
        description="How long a browser may take to come with a request that its "
        "client has pushed (RFC 9126).",
    )
    session_idle_seconds: Seconds = Field(
        default=_LIFETIMES.session_idle,
        description="A browser session ends when it was not used for this long.",
    )
    session_absolute_seconds: Seconds = Field(
        default=_LIFETIMES.session_absolute,
        description="A browser session ends this long after its login.",
    )

    registration_enabled: bool = Field(
        default=True, description="Offer dynamic client registration (RFC 7591)."
    )
    client_credentials_enabled: bool = Field(
        default=False,
        description="Let clients that the operator made for it get tokens for "
        "themselves (RFC 6749 §4.4).",
    )
    token_exchange_enabled: bool = Field(
        default=False,
        description="Let clients trade an access token for a lesser one (RFC 8693).",
    )
    exchange_clients: Words = Field(
        default=(),
        description="Ids of confidential clients that may exchange other clients' "
        "tokens.",
    )
    exchange_targets: dict[str, Words] = Field(
        default_factory=dict,
        description="Table: a resource, and those that its tokens may be exchanged "
        "for beyond the ones below it.",
    )
    device_authorization_enabled: bool = Field(
        default=False,
        description="Let devices without a browser ask, and people answer at "
        "`/device` (RFC 8628).",
    )
    device_code_seconds: int = Field(
        default=_LIFETIMES.device_code,
        ge=60,
        le=3600,
        description="How long a device may wait for an answer.",
    )
    dpop_nonces_required: bool = Field(
        default=False,
        description="Ask for a nonce of this server in every DPoP proof (RFC 9449).",
    )
    require_pushed_authorization_requests: bool = Field(
        default=False,
        description="Refuse authorization requests that were not pushed (RFC 9126).",
    )
    registration_token_required: bool = Field(
        default=False,
        description="Let clients register themselves only with an initial access token "
        "from `actor-oauth clients token`.",
    )
    public_registration: bool = Field(
        default=True,
        description="Let clients without credentials of their own "
        "(`token_endpoint_auth_method` `none`) register themselves.",
    )
    registration_management_enabled: bool = Field(
        default=False,
        description="Let clients read, replace and delete their own registration "
        "(RFC 7592).",
    )
    unused_client_seconds: Seconds = Field(
        default=_LIFETIMES.unused_client,
        description="A client that registered itself is deleted when it was not used "
        "for this long, and no grant of it can be alive.",
    )
    client_metadata_documents_enabled: bool = Field(
        default=True,
        description="Accept clients that are known by the URL of a metadata document "
        "that they publish (CIMD).",
    )
    loopback_documents: bool = Field(
        default=False,
        description="Development only: documents that clients publish may be on this "
        "machine, also by `http`. Refused unless the issuer is a loopback address.",
    )
    strict_assertion_audience: bool = Field(
        default=False,
        description="Accept client assertions only if their audience is the issuer, "
        "character for character; else also the token endpoint.",
    )
    private_use_schemes: Words = Field(
        default=(),
        description="Redirect URI schemes allowed beside `https` and loopback "
        "`http`, such as `cursor`.",
    )
    resources: tuple[ResourceSettings, ...] = Field(
        default=(),
        description="Protected resources: tables with `identifier`, `scopes`, "
        "`default_scopes`, `name`, `access_tokens` (`opaque` or `jwt`), "
        "`signing_algorithm` (`EdDSA`, `ES256` or `RS256`). Without any: the issuer's "
        "`/mcp` with the scope `mcp`.",
    )
    scope_descriptions: dict[str, str] = Field(
        default_factory=dict,
        description="Table: what a scope allows, in words, for the consent page.",
    )

    demo: bool | None = Field(
        default=None,
        description="Serve the example MCP server at the issuer's `/mcp`. Without a "
        "value: on when the issuer is a loopback address and `resources` is empty.",
    )
    auto_approve: str | None = Field(
        default=None,
        description="Tests and demos only: this user is logged in and consents "
        "without being asked. Refused unless issuer and host are loopback "
        "addresses.",
    )

    mailbox_size: int = Field(
        default=_LIMITS.mailbox_size,
        ge=1,
        description="Turns queued at one actor; further callers wait.",
    )
    max_waiting: int = Field(
        default=_LIMITS.max_waiting,
        ge=1,
        description="Callers that may wait for actors in one worker; the next gets 503.",
    )
    max_activations: int = Field(
        default=_LIMITS.max_activations,
        ge=1,
        description="Actors that one worker keeps open in memory.",
    )
    call_seconds: float = Field(
        default=_LIMITS.call_seconds,
        gt=0,
        description="How long a request waits for its turn before it gets 503.",
    )
    idle_seconds: float = Field(
        default=_LIMITS.idle_seconds,
        gt=0,
        description="An actor that was not used for this long is closed.",
    )

    log_level: LogLevel = Field(
        default=LogLevel.INFO, description="`debug`, `info`, `warning` or `error`."
    )
    log_format: LogFormat = Field(
        default=LogFormat.CONSOLE, description="`console` or `json`."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is the library's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read constructor arguments only (rule 1)."""
        return (init_settings,)

    def issuer_at(self, port: int) -> str:
        """Give the issuer of a server that listens on `port`.

        Args:
            port: The port that was really bound, which `port = 0` leaves open.
        """
        if self.issuer is not None:
            return self.issuer
        return http_url(self.host if is_loopback_host(self.host) else "127.0.0.1", port)

    def bound_to(self, port: int) -> "Settings":
        """Give these settings with port and issuer filled in for a bound socket."""
        return self.model_copy(update={"port": port, "issuer": self.issuer_at(port)})

    @property
    def demo_enabled(self) -> bool:
        """Whether the example MCP server is served."""
        if self.demo is None:
            return not self.resources and is_loopback_url(self.issuer_at(self.port))
        return self.demo

    def policy(self, issuer: str) -> Policy:
        """Give the protocol's view of these settings.

        Args:
            issuer: The issuer identifier, from `issuer_at`.
        """
        resources = self.resources or (
            ResourceSettings(
                identifier=issuer.removesuffix("/") + "/mcp", name="the MCP server"
            ),
        )
        return Policy(
            issuer=issuer,
            resources=tuple(resource.policy() for resource in resources),
            lifetimes=Lifetimes(
                device_code=self.device_code_seconds,
                code=self.code_seconds,
                access_token=self.access_token_seconds,
                refresh_idle=self.refresh_idle_seconds,
                refresh_absolute=self.refresh_absolute_seconds,
                refresh_grace=self.refresh_grace_seconds,
                consent=self.consent_seconds,
                pushed_request=self.pushed_request_seconds,
                unused_client=self.unused_client_seconds,
                session_idle=self.session_idle_seconds,
                session_absolute=self.session_absolute_seconds,
            ),
            client_credentials_enabled=self.client_credentials_enabled,
            token_exchange_enabled=self.token_exchange_enabled,
            exchange_clients=frozenset(self.exchange_clients),
            exchange_targets=frozenset(
                (source, target)
                for source, targets in self.exchange_targets.items()
                for target in targets
            ),
            device_authorization_enabled=self.device_authorization_enabled,
            registration_enabled=self.registration_enabled,
            dpop_nonces_required=self.dpop_nonces_required,
            require_pushed_requests=self.require_pushed_authorization_requests,
            registration_token_required=self.registration_token_required,
            public_registration=self.public_registration,
            registration_management_enabled=self.registration_management_enabled,
            metadata_documents_enabled=self.client_metadata_documents_enabled,
            loopback_documents=self.loopback_documents,
            lenient_assertion_audience=not self.strict_assertion_audience,
            private_use_schemes=frozenset(self.private_use_schemes),
            scope_descriptions=tuple(
                {**_SCOPE_DESCRIPTIONS, **self.scope_descriptions}.items()
            ),
        )

    def runtime_limits(self) -> RuntimeLimits:
        """Give the runtime's view of these settings."""
        return RuntimeLimits(
            mailbox_size=self.mailbox_size,
            max_waiting=self.max_waiting,
            max_activations=self.max_activations,
            call_seconds=self.call_seconds,
            idle_seconds=self.idle_seconds,
            drain_seconds=self.shutdown_seconds,
        )

    def http_options(self) -> HttpOptions:
        """Give the HTTP side's view of these settings."""
        return HttpOptions(
            auto_approve_user=self.auto_approve,
            trusted_proxy_hops=self.trusted_proxy_hops,
        )
