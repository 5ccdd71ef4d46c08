"""Signing in with accounts that people have elsewhere."""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from actor_oauth.config.settings.group import SettingsGroup
from actor_oauth.config.settings.values import Words
from actor_oauth.oauth.federation.providers import (
    Admission,
    FederationPolicy,
    LoginProvider,
    ProviderKind,
)
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.upstream.clients import ClientMethod

GITHUB: Final = "https://github.com"
GOOGLE: Final = "https://accounts.google.com"

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
        users: Those who may: subjects, user names, verified e-mail addresses.
        domains: Of verified e-mail addresses whose owners may.
        organisations: Whose members may.
        organisation_claim: The claim that says of what one is a member.
        create_accounts: Whether who is new gets an account.
        api_url: GitHub's API.
        parameters: Further ones of the authorization request.
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
        scope = self.scope or _SCOPES[self.kind]
        if github and self.organisations and self.scope is None:
            scope = (*scope, "read:org")
        return LoginProvider(
            name=self.name,
            label=self.label or _LABELS.get(self.kind, self.name),
            kind=ProviderKind.GITHUB if github else ProviderKind.OIDC,
            issuer=issuer.removesuffix("/") if github else issuer,
            client_id=self.client_id,
            client_secret=None if secret is None else secret.get_secret_value(),
            method=method,
            scope=Scope(scope),
            admission=Admission(
                everyone=self.everyone,
                users=frozenset(self.users) | {user.lower() for user in self.users},
                domains=frozenset(domain.lower() for domain in self.domains),
                organisations=frozenset(self.organisations),
            ),
            creates_accounts=self.create_accounts,
            organisation_claim=self.organisation_claim,
            api_url=(self.api_url or _api_url(issuer)).removesuffix("/"),
            parameters=tuple(self.parameters.items()),
        )


class FederationSettings(SettingsGroup):
    """How people sign in."""

    heading: ClassVar[str] = "Signing in"

    local_accounts_enabled: bool = Field(
        default=True,
        description="Let people sign in with a password of this server.",
    )
    login_providers: tuple[LoginProviderSettings, ...] = Field(
        default=(),
        description="Services that people may sign in with: tables with `name`, `kind` "
        "(`github`, `google`, `oidc`), `client_id`, `client_secret`, and who may: "
        "`everyone`, `users`, `domains`, `organisations`. See docs/federation.md.",
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


def _api_url(issuer: str) -> str:
    # GitHub Enterprise has its API below its own address.
    web = issuer.removesuffix("/")
    return "https://api.github.com" if web == GITHUB else web + "/api/v3"
