"""What old clients need and new ones must not use."""

from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from actor_oauth.config.settings.group import SettingsGroup
from actor_oauth.oauth.policy import Policy


class LegacySettings(SettingsGroup):
    """Weaker ways that OAuth 2.1 has given up; see docs/legacy.md."""

    heading: ClassVar[str] = "Legacy"

    plain_pkce_enabled: bool = Field(
        default=False,
        description="Legacy: PKCE's method `plain`, for clients that the operator "
        "registered for it.",
    )
    implicit_enabled: bool = Field(
        default=False,
        description="Legacy: the implicit grant (`response_type=token`), for clients "
        "that registered for it.",
    )

    def shape(self, policy: Policy) -> Policy:
        """Put the legacy ways into the policy."""
        return replace(
            super().shape(policy),
            plain_pkce_enabled=self.plain_pkce_enabled,
            implicit_enabled=self.implicit_enabled,
        )
