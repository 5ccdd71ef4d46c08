"""Where Prometheus finds the metrics."""

from typing import ClassVar

from pydantic import Field

from actor_oauth.config.settings.group import SettingsGroup


class MetricsSettings(SettingsGroup):
    """A listener of its own: the public port is for strangers."""

    heading: ClassVar[str] = "Metrics"

    metrics_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Port on which `actor-oauth serve` answers `GET /metrics`, for "
        "Prometheus; 0 picks a free one, which is logged. Off by default.",
    )
    metrics_host: str = Field(
        default="127.0.0.1",
        description="Address for `metrics_port`. Anyone who can reach it can read the "
        "metrics: they contain no secrets, but should stay private.",
    )
