"""What a group of settings is: some fields, and their part of the policy."""

from typing import ClassVar, Final

from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from actor_oauth.oauth.policy import Policy

ENVIRONMENT_PREFIX: Final = "ACTOR_OAUTH_"


class SettingsGroup(BaseSettings):
    """The base of every group; `Settings` inherits from them all.

    A group whose settings are about the protocol overrides `shape`.

    Attributes:
        heading: What docs/settings.md puts above the group.
    """

    heading: ClassVar[str]

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        validate_default=False,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is the library's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read constructor arguments only (rule 1)."""
        return (init_settings,)

    def shape(self, policy: Policy) -> Policy:
        """Put this group's part into the policy, after those of the groups behind it.

        Each override starts with `policy = super().shape(policy)`.

        Args:
            policy: With the issuer, and every other part as it is by default.
        """
        return policy
