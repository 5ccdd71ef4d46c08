"""Settings, keys and logs of one provider: read and checked once, at the start."""

from actor_oauth.config.errors import ConfigError
from actor_oauth.config.load import load_settings
from actor_oauth.config.logs import configure_logging
from actor_oauth.config.settings import (
    LogFormat,
    LoginProviderSettings,
    LogLevel,
    ResourceSettings,
    Settings,
    VaultClientSettings,
    VaultResourceSettings,
)
from actor_oauth.config.settings.refresh import ClientRefreshSettings
from actor_oauth.config.settings.resources import DetailTypeSettings
from actor_oauth.config.settings.trust import TrustedIssuerSettings
from actor_oauth.oauth.refresh_reuse import ReusePolicy

# Reading them
__all__ = ["ConfigError", "load_settings"]

# Writing them in Python
__all__ += [
    "ClientRefreshSettings",
    "DetailTypeSettings",
    "LogFormat",
    "LogLevel",
    "LoginProviderSettings",
    "ResourceSettings",
    "ReusePolicy",
    "Settings",
    "TrustedIssuerSettings",
    "VaultClientSettings",
    "VaultResourceSettings",
]

# Logs
__all__ += ["configure_logging"]
