"""The settings as a Markdown table, for the README."""

import json
from enum import StrEnum
from pathlib import Path

from pydantic.fields import FieldInfo

from actor_oauth.config.settings import ENVIRONMENT_PREFIX, Settings


def settings_table() -> str:
    """Render every setting: TOML key, environment variable, default, meaning."""
    rows = [_row(name, Settings.model_fields[name]) for name in Settings.in_groups()]
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
