"""Whether clients can learn who has signed in."""

from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from actor_oauth.config.settings.group import SettingsGroup
from actor_oauth.oauth.policy import Policy


class OpenIdSettings(SettingsGroup):
    """OpenID Connect, off by default."""

    heading: ClassVar[str] = "OpenID Connect"

    openid_enabled: bool = Field(
        default=False,
        description="Tell clients that request the scope `openid` who has signed in: "
        "ID tokens, `/userinfo`, `/end_session` and discovery (OpenID Connect).",
    )

    def shape(self, policy: Policy) -> Policy:
        """Put OpenID Connect into the policy."""
        return replace(super().shape(policy), openid_enabled=self.openid_enabled)
