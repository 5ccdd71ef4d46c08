"""Signing in with accounts at other services."""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from actor_oauth.config.settings.group import SettingsGroup
from actor_oauth.config.settings.values import Words
from actor_oauth.oauth.federation.providers import (
    GOOGLE,
    Admission,
    FederationPolicy,
    LoginProvider,
    ProviderKind,
)
from actor_oauth.oauth.scopes import OFFLINE_ACCESS, Scope
from actor_oauth.oauth.upstream.clients import ClientMethod
from actor_oauth.oauth.upstream.policy import ConfiguredClient, ConfiguredResource

GITHUB: Final = "https://github.com"

_SCOPES: Final[Mapping[str, tuple[str, ...]]] = {
    "github": ("read:user", "user:email"),
    "google": ("openid", "email", "profile"),
    "oidc": ("openid", "email", "profile"),
}
_LABELS: Final[Mapping[str, str]] = {"github": "GitHub", "google": "Google"}


class LoginProviderSettings(BaseModel):
    """A service that people may sign in with.

    Attributes:
        name: In addresses, and in the names of its users.
        kind: `github`, `google`, or `oidc` for any OpenID provider.
        label: On its button.
        issuer: Of an OpenID provider, character for character; GitHub's web address.
        client_id: As the service knows this server.
        client_secret: Shared with it.
        method: How this server authenticates there.
        scope: What is asked for.
        everyone: Whether all who have an account there may sign in.
        users: Those who may sign in: subjects, logins of GitHub, verified e-mail
            addresses.
        domains: Of verified e-mail addresses whose owners may.
        organisations: Whose members may.
        organisation_claim: The claim that says of what one is a member.
        create_accounts: Whether who is new gets an account.
        api_url: GitHub's API.
        parameters: Further ones of the authorization request.
        offline_access: Whether to ask for a refresh token too, in the service's way.
        keep_tokens_for: The URL whose requests the service's tokens are for: they are
            kept in the vault, for it and everything below it.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    kind: Literal["github", "google", "oidc"]
    label: str | None = Field(default=None, max_length=64)
    issuer: str | None = None
    client_id: str
    client_secret: SecretStr | None = None
    method: Literal[
        "client_secret_basic", "client_secret_post", "private_key_jwt", "none"
    ] = "client_secret_post"
    scope: Words | None = None
    everyone: bool = False
    users: Words = ()
    domains: Words = ()
    organisations: Words = ()
    organisation_claim: str = "groups"
    create_accounts: bool = True
    api_url: str | None = None
    parameters: dict[str, str] = Field(default_factory=dict)
    offline_access: bool = False
    keep_tokens_for: str | None = None

    @property
    def issuer_url(self) -> str:
        """The issuer, also where it need not be said."""
        known = {"github": GITHUB, "google": GOOGLE}.get(self.kind, "")
        return self.issuer or known

    @property
    def admits_somebody(self) -> bool:
        """Whether anybody at all may sign in."""
        return self.everyone or bool(self.users or self.domains or self.organisations)

    def policy(self) -> LoginProvider:
        """Give the protocol's view of this service."""
        secret, issuer = self.client_secret, self.issuer_url
        method: ClientMethod = self.method
        github = self.kind == "github"
        return LoginProvider(
            name=self.name,
            label=self.label or _LABELS.get(self.kind, self.name),
            kind=ProviderKind.GITHUB if github else ProviderKind.OIDC,
            issuer=issuer.removesuffix("/") if github else issuer,
            client_id=self.client_id,
            client_secret=None if secret is None else secret.get_secret_value(),
            method=method,
            scope=Scope(self._scope()),
            admission=Admission(
                everyone=self.everyone,
                users=frozenset(self.users) | {user.lower() for user in self.users},
                domains=frozenset(domain.lower() for domain in self.domains),
                organisations=frozenset(self.organisations),
            ),
            creates_accounts=self.create_accounts,
            organisation_claim=self.organisation_claim,
            api_url=(self.api_url or _api_url(issuer)).removesuffix("/"),
            parameters=tuple({**self._offline(), **self.parameters}.items()),
            tokens_for=self.keep_tokens_for,
        )

    def _scope(self) -> tuple[str, ...]:
        scope = self.scope or _SCOPES[self.kind]
        if self.kind == "github" and self.organisations and self.scope is None:
            scope = (*scope, "read:org")
        if self.kind == "oidc" and self._wants_refresh and OFFLINE_ACCESS not in scope:
            scope = (*scope, OFFLINE_ACCESS)
        return scope

    def _offline(self) -> Mapping[str, str]:
        # Google has no such scope, and issues a refresh token only with a new consent.
        wanted = self.kind == "google" and self._wants_refresh
        return {"access_type": "offline", "prompt": "consent"} if wanted else {}

    @property
    def _wants_refresh(self) -> bool:
        return self.offline_access or self.keep_tokens_for is not None


class FederationSettings(SettingsGroup):
    """How people sign in."""

    heading: ClassVar[str] = "Signing in"

    local_accounts_enabled: bool = Field(
        default=True,
        description="Let users sign in with a password of this server.",
    )
    login_providers: tuple[LoginProviderSettings, ...] = Field(
        default=(),
        description="Services that users can sign in with: tables with `name`, `kind` "
        "(`github`, `google`, `oidc`), `client_id`, `client_secret`, who may sign in "
        "(`everyone`, `users`, `domains`, `organisations`), and whether the vault "
        "keeps their tokens (`keep_tokens_for`). See docs/federation.md.",
    )

    def federation_policy(self, *, loopback: bool) -> FederationPolicy | None:
        """Give the protocol's view of these settings; None if there is no service.

        Args:
            loopback: Development only: services may be on this machine.
        """
        if not self.login_providers:
            return None
        return FederationPolicy(
            providers=tuple(provider.policy() for provider in self.login_providers),
            loopback=loopback,
        )

    def kept_connections(
        self,
    ) -> tuple[tuple[ConfiguredClient, ...], tuple[ConfiguredResource, ...]]:
        """Give the services whose tokens are kept, as the vault has to know them."""
        kept = [
            known.policy() for known in self.login_providers if known.keep_tokens_for
        ]
        clients = tuple(
            ConfiguredClient(
                issuer=known.issuer,
                client_id=known.client_id,
                secret=known.client_secret,
                method=known.method,
            )
            for known in kept
        )
        resources = tuple(
            ConfiguredResource(
                resource=known.tokens_for or "",
                issuer=known.issuer,
                server=known.github_server()
                if known.kind is ProviderKind.GITHUB
                else None,
                name=known.label,
                scope=known.scope,
                sends_resource=False,
                parameters=dict(known.parameters),
            )
            for known in kept
        )
        return clients, resources


def _api_url(issuer: str) -> str:
    # GitHub Enterprise has its API below its own address.
    web = issuer.removesuffix("/")
    return "https://api.github.com" if web == GITHUB else web + "/api/v3"
