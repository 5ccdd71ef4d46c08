"""What is logged, and how."""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from actor_oauth.config.settings.group import SettingsGroup


class LogLevel(StrEnum):
    """The least severity that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a log record is written."""

    CONSOLE = "console"
    JSON = "json"


class LogSettings(SettingsGroup):
    """Level and form of the log."""

    heading: ClassVar[str] = "Logs"

    log_level: LogLevel = Field(
        default=LogLevel.INFO, description="`debug`, `info`, `warning` or `error`."
    )
    log_format: LogFormat = Field(
        default=LogFormat.CONSOLE, description="`console` or `json`."
    )
