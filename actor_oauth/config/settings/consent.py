"""Consent: when it is asked for, what is remembered, and what it replaces."""

from dataclasses import replace
from typing import ClassVar, Final

from pydantic import Field

from actor_oauth.config.settings.group import SettingsGroup
from actor_oauth.config.settings.values import Seconds
from actor_oauth.oauth.consent_policy import (
    ConsentPolicy,
    RefreshTokens,
    RemembersConsent,
    ReplacesGrants,
)
from actor_oauth.oauth.policy import Policy

_CONSENT: Final = ConsentPolicy()


class ConsentSettings(SettingsGroup):
    """Consent, and asking again. See docs/consent.md."""

    heading: ClassVar[str] = "Consent"

    replace_grants: ReplacesGrants = Field(
        default=_CONSENT.replaces_grants,
        description="Whether a new grant ends the older ones of the same user, client, "
        "redirect URI and resource: `hosted` (https redirect URIs), `always` or "
        "`never`.",
    )
    remember_consent: RemembersConsent = Field(
        default=_CONSENT.remembers,
        description="Whether users may choose not to be asked again: for clients of "
        "`assured` identity (a secret or key, or an https redirect URI), `always` or "
        "`never`.",
    )
    remember_consent_seconds: Seconds = Field(
        default=_CONSENT.remembered_seconds,
        description="How long a remembered consent is valid.",
    )
    refresh_tokens: RefreshTokens = Field(
        default=_CONSENT.refresh_tokens,
        description="When clients get refresh tokens: `always` (unless the user "
        "refuses `offline_access`), or only with `offline_access`.",
    )
    client_logos: bool = Field(
        default=_CONSENT.shows_logos,
        description="Show the logos of clients on the consent page. This server "
        "fetches them, from public addresses only, and shows small PNG, JPEG and GIF "
        "images.",
    )

    def shape(self, policy: Policy) -> Policy:
        """Put what is decided about consent into the policy."""
        policy = super().shape(policy)
        return replace(
            policy,
            consent=ConsentPolicy(
                replaces_grants=self.replace_grants,
                remembers=self.remember_consent,
                remembered_seconds=self.remember_consent_seconds,
                refresh_tokens=self.refresh_tokens,
                shows_logos=self.client_logos,
            ),
        )
