"""How refresh tokens rotate, and what happens when an old one comes again."""

from dataclasses import replace
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from actor_oauth.config.settings.group import SettingsGroup
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.refresh_reuse import (
    RefreshRotation,
    RefreshRules,
    ReusePolicy,
)

_RULES: Final = RefreshRules()
_DAY: Final = 86_400


class ClientRefreshSettings(BaseModel):
    """Settings for one client; what is left out is as for all others."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    rotation: RefreshRotation | None = None
    grace_seconds: int | None = Field(default=None, ge=0, le=_DAY)
    reuse: ReusePolicy | None = None
    same_instance: bool | None = None
    recovery_seconds: int | None = Field(default=None, ge=0, le=90 * _DAY)
    lost_answer_seconds: int | None = Field(default=None, ge=0, le=_DAY)
    contest_seconds: int | None = Field(default=None, ge=0, le=365 * _DAY)

    def rules(self, others: RefreshRules) -> RefreshRules:
        """Give this client's rules."""
        given = {
            name.removesuffix("_seconds"): value
            for name, value in self.model_dump(exclude_none=True).items()
        }
        return replace(others, **given)


class RefreshSettings(SettingsGroup):
    """Rotation, its grace window, and late reuse."""

    heading: ClassVar[str] = "Refresh tokens"

    refresh_rotation: RefreshRotation = Field(
        default=_RULES.rotation,
        description="`always`, or `unless_bound`: a refresh token that is bound to a "
        "DPoP key, or to a client that authenticates with a key or with a secret that "
        "the operator generated, stays the same.",
    )
    refresh_grace_seconds: int = Field(
        default=_RULES.grace,
        ge=0,
        le=_DAY,
        description="How long a used refresh token still answers with the current "
        "tokens, so that retries and parallel clients stay logged in. 0 is one-time "
        "use; with `refresh_same_instance` off, for every client.",
    )
    refresh_reuse: ReusePolicy = Field(
        default=_RULES.reuse,
        description="What happens when a used refresh token is presented after that: "
        "`revoke` ends the grant, `reject` only refuses the request.",
    )
    refresh_same_instance: bool = Field(
        default=_RULES.same_instance,
        description="Answer it nevertheless if it is bound to a DPoP key and comes "
        "with a proof, or comes from a client that authenticates as for "
        "`refresh_rotation`.",
    )
    refresh_recovery_seconds: int = Field(
        default=_RULES.recovery,
        ge=0,
        le=90 * _DAY,
        description="How long `refresh_same_instance` or the application's callback "
        "can answer a used refresh token.",
    )
    refresh_lost_answer_seconds: int = Field(
        default=_RULES.lost_answer,
        ge=0,
        le=_DAY,
        description="How long a used refresh token is answered one more time if its "
        "successor was never presented, since the response may have been lost. 0 is "
        "never.",
    )
    refresh_contest_seconds: int = Field(
        default=_RULES.contest,
        ge=0,
        le=365 * _DAY,
        description="With `reject`: a grant for which a used refresh token was refused "
        "ends when its user signs in to the same client again, or after this long; 0 "
        "never ends it.",
    )
    client_refresh: dict[str, ClientRefreshSettings] = Field(
        default_factory=dict,
        description="Table from client ids to tables of `rotation`, `grace_seconds`, "
        "`reuse`, `same_instance`, `recovery_seconds`, `lost_answer_seconds` and "
        "`contest_seconds` for that client.",
    )

    def shape(self, policy: Policy) -> Policy:
        """Put the rules into the policy."""
        policy = super().shape(policy)
        rules = RefreshRules(
            rotation=self.refresh_rotation,
            grace=self.refresh_grace_seconds,
            reuse=self.refresh_reuse,
            same_instance=self.refresh_same_instance,
            recovery=self.refresh_recovery_seconds,
            lost_answer=self.refresh_lost_answer_seconds,
            contest=self.refresh_contest_seconds,
        )
        return replace(
            policy,
            refresh=rules,
            client_refresh={
                client_id: own.rules(rules)
                for client_id, own in self.client_refresh.items()
            },
        )
