"""How long grants, tokens, consents and sessions live."""

from dataclasses import replace
from typing import ClassVar, Final

from pydantic import Field

from actor_oauth.config.settings.group import SettingsGroup
from actor_oauth.config.settings.values import Seconds
from actor_oauth.oauth.policy import Lifetimes, Policy

_LIFETIMES: Final = Lifetimes()


class LifetimeSettings(SettingsGroup):
    """Lifetimes that every deployment has."""

    heading: ClassVar[str] = "Lifetimes"

    access_token_seconds: Seconds = Field(
        default=_LIFETIMES.access_token, description="Lifetime of an access token."
    )
    code_seconds: int = Field(
        default=_LIFETIMES.code,
        ge=1,
        le=600,
        description="Lifetime of an authorization code.",
    )
    refresh_idle_seconds: Seconds = Field(
        default=_LIFETIMES.refresh_idle,
        description="A grant ends when it has not been refreshed for this long.",
    )
    refresh_absolute_seconds: Seconds = Field(
        default=_LIFETIMES.refresh_absolute,
        description="A grant ends this long after its approval, even if it is in use.",
    )
    consent_seconds: Seconds = Field(
        default=_LIFETIMES.consent,
        description="How long a consent page waits for an answer.",
    )
    session_idle_seconds: Seconds = Field(
        default=_LIFETIMES.session_idle,
        description="A browser session ends when it has not been used for this long.",
    )
    session_absolute_seconds: Seconds = Field(
        default=_LIFETIMES.session_absolute,
        description="A browser session ends this long after its login.",
    )

    def shape(self, policy: Policy) -> Policy:
        """Put the lifetimes into the policy."""
        policy = super().shape(policy)
        return replace(
            policy,
            lifetimes=replace(
                policy.lifetimes,
                code=self.code_seconds,
                access_token=self.access_token_seconds,
                refresh_idle=self.refresh_idle_seconds,
                refresh_absolute=self.refresh_absolute_seconds,
                consent=self.consent_seconds,
                session_idle=self.session_idle_seconds,
                session_absolute=self.session_absolute_seconds,
            ),
        )
