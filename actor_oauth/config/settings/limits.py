"""Limits of one worker, in all and per address."""

from typing import ClassVar, Final

from pydantic import Field

from actor_oauth.config.settings.group import SettingsGroup
from actor_oauth.runtime import RuntimeLimits

_LIMITS: Final = RuntimeLimits()


class LimitSettings(SettingsGroup):
    """Limits of the runtime, and of `/authorize`."""

    heading: ClassVar[str] = "Limits"

    mailbox_size: int = Field(
        default=_LIMITS.mailbox_size,
        ge=1,
        description="Turns queued for one actor; further callers wait.",
    )
    max_waiting: int = Field(
        default=_LIMITS.max_waiting,
        ge=1,
        description="How many callers may wait for actors in one worker; further ones "
        "get 503.",
    )
    max_activations: int = Field(
        default=_LIMITS.max_activations,
        ge=1,
        description="How many actors one worker keeps in memory: some 140 KiB each.",
    )
    call_seconds: float = Field(
        default=_LIMITS.call_seconds,
        gt=0,
        description="How long a request waits for its turn before it gets 503.",
    )
    idle_seconds: float = Field(
        default=_LIMITS.idle_seconds,
        gt=0,
        description="An actor that has not been used for this long is closed.",
    )
    remembered_bytes: int = Field(
        default=_LIMITS.remembered_bytes,
        ge=0,
        description="Memory of one worker for verdicts on access tokens, which are "
        "valid until something is written about their user; 0 for none. See "
        "docs/access-checks.md.",
    )
    connections_per_address: int = Field(
        default=1000,
        ge=0,
        description="How many connections one worker keeps open with an address (IPv6: a "
        "/64); behind proxies (`trusted_proxy_hops`), how many requests in flight, "
        "including event streams, from a forwarded address. Further ones get 429; 0 for "
        "no limit.",
    )
    authorize_per_minute: int = Field(
        default=240,
        ge=1,
        description="Authorization requests that one worker accepts from an address "
        "without a signed-in user.",
    )
    authorize_per_minute_and_user: int = Field(
        default=120,
        ge=1,
        description="Authorization requests that one worker accepts from a signed-in user.",
    )
