"""What the server is to the reverse proxy in front of it and of others."""

from typing import ClassVar

from pydantic import Field

from actor_oauth.config.settings.group import SettingsGroup


class ProxySettings(SettingsGroup):
    """Questions of reverse proxies."""

    heading: ClassVar[str] = "Reverse proxies"

    auth_check_enabled: bool = Field(
        default=False,
        description="Tell reverse proxies at `/auth/check` whether a request may pass "
        "(nginx `auth_request`, Traefik and Caddy forward-auth).",
    )
