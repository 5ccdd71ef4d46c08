"""Every setting of the provider, in one frozen value.

Rule 1: constructing `Settings` reads nothing but its arguments. Files and the
environment are read by `load_settings`, so that embedding code gets what it wrote.
Rule 2: each setting has one name. In TOML it is the key, in the environment
`ACTOR_OAUTH_` and the name in capitals, and docs/settings.md is made from here.
Rule 3: a group of settings is one file, which knows no other group. A new one is named
here, as a base class of `Settings`, and nowhere else.
"""

from actor_oauth.actors.throttle import Rate
from actor_oauth.config.hosts import is_loopback_url
from actor_oauth.config.settings.consent import ConsentSettings
from actor_oauth.config.settings.development import DevelopmentSettings
from actor_oauth.config.settings.federation import (
    FederationSettings,
    LoginProviderSettings,
)
from actor_oauth.config.settings.grants import GrantSettings
from actor_oauth.config.settings.group import ENVIRONMENT_PREFIX, SettingsGroup
from actor_oauth.config.settings.legacy import LegacySettings
from actor_oauth.config.settings.lifetimes import LifetimeSettings
from actor_oauth.config.settings.limits import LimitSettings
from actor_oauth.config.settings.logs import LogFormat, LogLevel, LogSettings
from actor_oauth.config.settings.metrics import MetricsSettings
from actor_oauth.config.settings.openid import OpenIdSettings
from actor_oauth.config.settings.proxy import ProxySettings
from actor_oauth.config.settings.refresh import RefreshSettings
from actor_oauth.config.settings.registration import RegistrationSettings
from actor_oauth.config.settings.requests import RequestSettings
from actor_oauth.config.settings.resources import ResourceSettings, ResourcesSettings
from actor_oauth.config.settings.server import ServerSettings
from actor_oauth.config.settings.trust import TrustSettings
from actor_oauth.config.settings.vault import (
    VaultClientSettings,
    VaultResourceSettings,
    VaultSettings,
)
from actor_oauth.http.options import HttpOptions
from actor_oauth.oauth.policy import Policy
from actor_oauth.runtime import RuntimeLimits

__all__ = [
    "ENVIRONMENT_PREFIX",
    "LogFormat",
    "LogLevel",
    "LoginProviderSettings",
    "ResourceSettings",
    "Settings",
    "SettingsGroup",
    "VaultClientSettings",
    "VaultResourceSettings",
]


class Settings(
    ServerSettings,
    ProxySettings,
    LifetimeSettings,
    ConsentSettings,
    RefreshSettings,
    ResourcesSettings,
    RegistrationSettings,
    GrantSettings,
    TrustSettings,
    RequestSettings,
    FederationSettings,
    VaultSettings,
    OpenIdSettings,
    LegacySettings,
    DevelopmentSettings,
    LimitSettings,
    LogSettings,
    MetricsSettings,
):
    """All settings.

    Durations are whole seconds. What a single setting may be is checked when the
    value is made; what settings mean together is checked by `find_problems`.
    """

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
        return self.shape(Policy(issuer=issuer, resources=()))

    def runtime_limits(self) -> RuntimeLimits:
        """Give the runtime's view of these settings."""
        return RuntimeLimits(
            mailbox_size=self.mailbox_size,
            max_waiting=self.max_waiting,
            max_activations=self.max_activations,
            call_seconds=self.call_seconds,
            idle_seconds=self.idle_seconds,
            drain_seconds=self.shutdown_seconds,
            remembered_bytes=self.remembered_bytes,
        )

    def http_options(self) -> HttpOptions:
        """Give the HTTP side's view of these settings."""
        options = HttpOptions(
            service_name=self.service_name,
            auto_approve_user=self.auto_approve,
            trusted_proxy_hops=self.trusted_proxy_hops,
            authorize_rate=_per_minute(self.authorize_per_minute),
            authorize_user_rate=_per_minute(self.authorize_per_minute_and_user),
            confirms_connections=self.vault_confirm,
            has_passwords=self.local_accounts_enabled,
        )
        return options.among(self.workers)

    @classmethod
    def groups(cls) -> list[type[SettingsGroup]]:
        """List the groups, in the order in which they are documented."""
        return [base for base in cls.__bases__ if issubclass(base, SettingsGroup)]


def _per_minute(count: int) -> Rate:
    return Rate(burst=count, interval=60 / count)
