"""What is asked of requests beyond the minimum: pushed ones, and proofs of keys."""

from dataclasses import replace
from typing import ClassVar, Final

from pydantic import Field

from actor_oauth.config.settings.group import SettingsGroup
from actor_oauth.oauth.policy import Lifetimes, Policy

_LIFETIMES: Final = Lifetimes()


class RequestSettings(SettingsGroup):
    """Pushed authorization requests (RFC 9126) and DPoP (RFC 9449)."""

    heading: ClassVar[str] = "Pushed requests and DPoP"

    require_pushed_authorization_requests: bool = Field(
        default=False,
        description="Refuse authorization requests that were not pushed (RFC 9126).",
    )
    pushed_request_seconds: int = Field(
        default=_LIFETIMES.pushed_request,
        ge=5,
        le=600,
        description="How long after a client pushed a request its browser may arrive "
        "(RFC 9126).",
    )
    dpop_nonces_required: bool = Field(
        default=False,
        description="Require a nonce from this server in every DPoP proof (RFC 9449).",
    )

    def shape(self, policy: Policy) -> Policy:
        """Put what requests must have into the policy."""
        policy = super().shape(policy)
        return replace(
            policy,
            lifetimes=replace(
                policy.lifetimes, pushed_request=self.pushed_request_seconds
            ),
            dpop_nonces_required=self.dpop_nonces_required,
            require_pushed_requests=self.require_pushed_authorization_requests,
        )
