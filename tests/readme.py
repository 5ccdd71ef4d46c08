"""Writes the settings into README.md and docs/settings.md: `python -m tests.readme`."""

from pathlib import Path
from typing import Final

from actor_oauth.config.reference import settings_reference, settings_table

ROOT: Final = Path(__file__).resolve().parent.parent
README: Final = ROOT / "README.md"
SETTINGS: Final = ROOT / "docs" / "settings.md"

# What nearly everybody sets who goes into production.
_FIRST: Final = (
    "issuer",
    "service_name",
    "data",
    "host",
    "port",
    "workers",
    "trusted_proxy_hops",
    "resources",
    "login_providers",
    "access_token_seconds",
    "refresh_grace_seconds",
    "log_format",
)

_BEGIN: Final = "<!-- settings: made by python -m tests.readme -->\n"
_END: Final = "\n<!-- /settings -->"


def with_first_settings(text: str) -> str:
    """Give the README's text with its settings as they are now."""
    return _between(text, settings_table(_FIRST))


def with_all_settings(text: str) -> str:
    """Give the text of docs/settings.md with the settings as they are now."""
    return _between(text, settings_reference())


def _between(text: str, made: str) -> str:
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    return before + begin + made + end + after


if __name__ == "__main__":
    README.write_text(with_first_settings(README.read_text()))
    SETTINGS.write_text(with_all_settings(SETTINGS.read_text()))
