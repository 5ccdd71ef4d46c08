"""The settings as Markdown: all of them group by group, or a table of some."""

import json
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from pydantic.fields import FieldInfo

from actor_oauth.config.settings import ENVIRONMENT_PREFIX, Settings


def settings_reference() -> str:
    """Render every setting, a section for each group."""
    return "\n\n".join(
        f"## {group.heading}\n\n{settings_table(group.model_fields)}"
        for group in Settings.groups()
    )


def settings_table(names: Iterable[str]) -> str:
    """Render settings as a table: TOML key, environment variable, default, meaning.

    Args:
        names: Keys of settings, in the order wanted.
    """
    rows = [_row(name, Settings.model_fields[name]) for name in names]
    return "\n".join(
        [
            "| TOML key | environment variable | default | meaning |",
            "|---|---|---|---|",
            *rows,
        ]
    )


def _row(name: str, field: FieldInfo) -> str:
    variable = f"{ENVIRONMENT_PREFIX}{name.upper()}"
    return f"| `{name}` | `{variable}` | {_default(field)} | {field.description} |"


def _default(field: FieldInfo) -> str:
    value: object = field.get_default(call_default_factory=True, validated_data={})
    match value:
        case None | () | {}:
            return ""
        case StrEnum() | Path():
            return f"`{value}`"
        case _:
            return f"`{json.dumps(value)}`"
