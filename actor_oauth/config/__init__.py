"""Settings, keys and logs of one provider: read and checked once, at the start."""

from actor_oauth.config.errors import ConfigError
from actor_oauth.config.load import load_settings, unknown_variables
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

# Reading them
__all__ = ["ConfigError", "load_settings", "unknown_variables"]

# Writing them in Python
__all__ += [
    "LogFormat",
    "LogLevel",
    "LoginProviderSettings",
    "ResourceSettings",
    "Settings",
    "VaultClientSettings",
    "VaultResourceSettings",
]

# Logs
__all__ += ["configure_logging"]
