"""Collects the settings: command line, then environment, then file, then default.

All problems are reported at once, each with the name of what to change and where it
was read.
"""

import difflib
import os
import tomllib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource
from pydantic_settings.exceptions import SettingsError

from actor_oauth.config.checks import find_problems
from actor_oauth.config.errors import ConfigError
from actor_oauth.config.settings import ENVIRONMENT_PREFIX, Settings

# Read by the command line and by the test run, and no settings themselves.
_OTHER_VARIABLES: Final = frozenset(
    {"COMMAND", "CONFIG", "COVERAGE", "PYTHON", "REQUIRE_ALL"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sources:
    """Raw values by name, from where they were read."""

    file: Path | None
    file_values: Mapping[str, object]
    environment: Mapping[str, object]
    overrides: Mapping[str, object]

    def merged(self) -> dict[str, object]:
        return {**self.file_values, **self.environment, **self.overrides}

    def origin(self, name: str) -> str:
        if name in self.overrides:
            return f"--{name.replace('_', '-')}"
        if name in self.environment:
            return _variable(name)
        return str(self.file)


def load_settings(
    *, file: Path | str | None = None, overrides: Mapping[str, object] | None = None
) -> Settings:
    """Read and check the settings.

    A variable that looks like a setting and is none is told by a warning of Python's.

    Args:
        file: A TOML file, or None for none.
        overrides: What the program itself says, by setting; it wins over all else.

    Raises:
        ConfigError: With every problem, so that one run shows them all.
    """
    settings = read_settings(None if file is None else Path(file), overrides or {})
    for problem in unknown_variables(os.environ):
        warnings.warn(problem, stacklevel=2)
    return settings


def read_settings(
    file: Path | None, overrides: Mapping[str, object], *, serving: bool = True
) -> Settings:
    """Read and check the settings of a command, which tells of unknown variables itself.

    Args:
        file: A TOML file, or None for none.
        overrides: What the command line said, by setting; it wins over all else.
        serving: See `find_problems`.

    Raises:
        ConfigError: As for `load_settings`.
    """
    sources = _Sources(
        file=file,
        file_values={} if file is None else _read_toml(file),
        environment=_read_environment(),
        overrides=overrides,
    )
    try:
        settings = Settings.model_validate(sources.merged())
    except ValidationError as error:
        raise ConfigError(
            _describe(details, sources) for details in error.errors()
        ) from None
    if problems := find_problems(settings, serving=serving):
        raise ConfigError(problems)
    return settings


def unknown_variables(environment: Iterable[str]) -> list[str]:
    """Name the environment variables that look like settings but are none.

    They do not stop a start: container platforms make such names on their own, such
    as `ACTOR_OAUTH_SERVICE_HOST` for a service that is called `actor-oauth`.

    Args:
        environment: The names of all environment variables.

    Returns:
        One sentence for each unknown name.
    """
    known = {name.upper() for name in Settings.model_fields} | _OTHER_VARIABLES
    return [
        f"{variable} is not a setting and was ignored"
        + _suggestion(variable, [ENVIRONMENT_PREFIX + name for name in known])
        for variable in sorted(environment)
        if variable.startswith(ENVIRONMENT_PREFIX)
        and variable.removeprefix(ENVIRONMENT_PREFIX) not in known
    ]


def _read_toml(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"cannot read {file}: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"{file} is not valid TOML: {error}"]) from None


def _read_environment() -> dict[str, object]:
    try:
        return dict(EnvSettingsSource(Settings)())
    except SettingsError as error:
        raise ConfigError([_describe_bad_json(error)]) from None


def _describe_bad_json(error: SettingsError) -> str:
    name = next(
        (name for name in Settings.model_fields if f'"{name}"' in str(error)), ""
    )
    return f"{_variable(name)} is not valid JSON; tables and lists are written as JSON"


def _describe(details: ErrorDetails, sources: _Sources) -> str:
    name = str(details["loc"][0])
    path = ".".join(str(part) for part in details["loc"])
    origin = sources.origin(name)
    if details["type"] == "extra_forbidden":
        known = Settings.model_fields if len(details["loc"]) == 1 else ()
        return f"{path} ({origin}): unknown setting" + _suggestion(name, known)
    message = details["msg"]
    return f"{path} ({origin}): {message[:1].lower()}{message[1:]}"


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _variable(name: str) -> str:
    return ENVIRONMENT_PREFIX + name.upper()
