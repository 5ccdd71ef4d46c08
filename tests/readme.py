"""Writes the settings table into the README: `python -m tests.readme`."""

from pathlib import Path
from typing import Final

from actor_oauth.config import settings_table

README: Final = Path(__file__).resolve().parent.parent / "README.md"

_BEGIN: Final = "<!-- settings: made by python -m tests.readme -->\n"
_END: Final = "\n<!-- /settings -->"


def with_settings_table(text: str) -> str:
    """Give the README's text with the table as the settings make it now."""
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    return before + begin + settings_table() + end + after


if __name__ == "__main__":
    README.write_text(with_settings_table(README.read_text()))
