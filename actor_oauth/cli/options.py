"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

ConfigOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="ACTOR_OAUTH_CONFIG",
        help="TOML file with settings.",
        show_default=False,
    ),
]
DataOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Data directory; default .actor-oauth in the working directory.",
        show_default=False,
    ),
]
NameArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="NAME", help="The user's name.")
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON on standard output.")
]
PasswordStdinOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--password-stdin",
        help="Read the password from the first line of standard input.",
    ),
]


def overrides(**options: object) -> dict[str, object]:
    """Give the settings from the command line, leaving out options that were not given."""
    return {name: value for name, value in options.items() if value is not None}
