"""Where the server listens, what it is called, and how it is run."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from actor_oauth.config.hosts import http_url, is_loopback_host
from actor_oauth.config.settings.group import SettingsGroup


class ServerSettings(SettingsGroup):
    """Address, data and processes."""

    heading: ClassVar[str] = "Server"

    host: str = Field(
        default="127.0.0.1", description="Address that the server listens on."
    )
    port: int = Field(
        default=8000, ge=0, le=65535, description="Port; 0 picks a free one."
    )
    issuer: str | None = Field(
        default=None,
        description="Public base URL, as clients see it; `https` unless it is a "
        "loopback address. Without it, `http://HOST:PORT` of a loopback host.",
    )
    service_name: str = Field(
        default="Actor OAuth",
        min_length=1,
        max_length=48,
        description="The name of this service that users see at the top of every page "
        "and in its title.",
    )
    data: Path = Field(
        default=Path(".actor-oauth"),
        description="Data directory; a relative path is relative to the working directory.",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Number of processes that share port and data.",
    )
    trusted_proxy_hops: int = Field(
        default=0,
        ge=0,
        le=16,
        description="How many reverse proxies in front set `X-Forwarded-For`; 0 "
        "ignores that header.",
    )
    shutdown_seconds: int = Field(
        default=10,
        ge=1,
        le=3600,
        description="How long requests in flight may continue after a stop signal.",
    )

    def issuer_at(self, port: int) -> str:
        """Give the issuer of a server that listens on `port`.

        Args:
            port: The port that was really bound, which `port = 0` leaves open.
        """
        if self.issuer is not None:
            return self.issuer
        return http_url(self.host if is_loopback_host(self.host) else "127.0.0.1", port)
