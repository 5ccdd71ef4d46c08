"""Settings, keys and logs of one provider: read and checked once, at the start."""

from actor_oauth.config.checks import find_problems
from actor_oauth.config.data_directory import prepare_data_directory
from actor_oauth.config.errors import ConfigError
from actor_oauth.config.hosts import http_url, is_loopback_host, is_loopback_url
from actor_oauth.config.keyring_file import (
    KEYRING_FILE,
    PUBLISH_AHEAD,
    ensure_signing_keys,
    open_keyring,
    read_keyring,
    read_keyring_file,
    rotate_secrets,
    rotate_signing_keys,
)
from actor_oauth.config.load import load_settings, unknown_variables
from actor_oauth.config.logs import configure_logging
from actor_oauth.config.reference import settings_reference, settings_table
from actor_oauth.config.settings import (
    LogFormat,
    LogLevel,
    ResourceSettings,
    Settings,
)

__all__ = [
    "KEYRING_FILE",
    "PUBLISH_AHEAD",
    "ConfigError",
    "LogFormat",
    "LogLevel",
    "ResourceSettings",
    "Settings",
    "configure_logging",
    "ensure_signing_keys",
    "find_problems",
    "http_url",
    "is_loopback_host",
    "is_loopback_url",
    "load_settings",
    "open_keyring",
    "prepare_data_directory",
    "read_keyring",
    "read_keyring_file",
    "rotate_secrets",
    "rotate_signing_keys",
    "settings_reference",
    "settings_table",
    "unknown_variables",
]
