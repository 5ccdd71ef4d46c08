"""What is for trying things out, and refused where it would be dangerous."""

from typing import ClassVar

from pydantic import Field

from actor_oauth.config.settings.group import SettingsGroup


class DevelopmentSettings(SettingsGroup):
    """The example server, and a login without a password."""

    heading: ClassVar[str] = "Trying things out"

    demo: bool | None = Field(
        default=None,
        description="Serve the example MCP server at the issuer's `/mcp`. Default: on "
        "if the issuer is a loopback address and `resources` is empty.",
    )
    auto_approve: str | None = Field(
        default=None,
        description="Tests and demos only: this user is signed in, and consents, "
        "without being asked. Refused unless issuer and host are loopback addresses.",
    )
