"""Settings of the grant types beside the authorization code."""

from dataclasses import replace
from typing import ClassVar, Final

from pydantic import Field

from actor_oauth.config.settings.group import SettingsGroup
from actor_oauth.config.settings.values import Words
from actor_oauth.oauth.policy import Lifetimes, Policy

_LIFETIMES: Final = Lifetimes()


class GrantSettings(SettingsGroup):
    """Grant types that are off by default."""

    heading: ClassVar[str] = "Grant types"

    client_credentials_enabled: bool = Field(
        default=False,
        description="Let clients that the operator created for it get tokens for "
        "themselves (RFC 6749 §4.4).",
    )
    token_exchange_enabled: bool = Field(
        default=False,
        description="Let clients exchange an access token for one that can do less "
        "(RFC 8693).",
    )
    exchange_clients: Words = Field(
        default=(),
        description="Ids of confidential clients that may exchange other clients' "
        "tokens.",
    )
    exchange_targets: dict[str, Words] = Field(
        default_factory=dict,
        description="Table from a resource to further resources, beyond those below "
        "it, that its tokens can be exchanged for.",
    )
    device_authorization_enabled: bool = Field(
        default=False,
        description="Let devices without a browser request access, which users approve "
        "at `/device` (RFC 8628).",
    )
    device_code_seconds: int = Field(
        default=_LIFETIMES.device_code,
        ge=60,
        le=3600,
        description="How long a device can wait for an answer.",
    )

    def shape(self, policy: Policy) -> Policy:
        """Put the grant types into the policy."""
        policy = super().shape(policy)
        return replace(
            policy,
            lifetimes=replace(policy.lifetimes, device_code=self.device_code_seconds),
            client_credentials_enabled=self.client_credentials_enabled,
            token_exchange_enabled=self.token_exchange_enabled,
            exchange_clients=frozenset(self.exchange_clients),
            exchange_targets=frozenset(
                (source, target)
                for source, targets in self.exchange_targets.items()
                for target in targets
            ),
            device_authorization_enabled=self.device_authorization_enabled,
        )
