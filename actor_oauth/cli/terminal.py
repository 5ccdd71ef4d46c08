"""What the command line says: results on standard output, all else on standard error."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from actor_oauth.config import Settings

# `./dev` names itself here, so that what is suggested can be typed as it stands.
_COMMAND_VARIABLE: Final = "ACTOR_OAUTH_COMMAND"

_PIPE_WIDTH: Final = 100_000


class CommandError(Exception):
    """A command that cannot be carried out: the message tells the operator why."""


def say(line: str) -> None:
    """Tell the operator something, on standard error."""
    print(line, file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """Print one JSON document, and nothing else, on standard output."""
    print(json.dumps(value, indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on standard output."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        # `Text`, so that a name a client chose for itself is never taken for markup.
        table.add_row(*(Text(_printable(cell), overflow="fold") for cell in row))
    # Nothing is folded for a pipe: a program reads it.
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    Console(width=width).print(table)


def print_lines(lines: Iterable[str]) -> None:
    """Print one text a line on standard output."""
    for line in lines:
        print(_printable(line))


def print_members(members: Mapping[str, object]) -> None:
    """Print a mapping, one member a line, on standard output."""
    width = max(map(len, members), default=0)
    for name, value in members.items():
        text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
        print(f"{name:{width}}  {_printable(text)}")


def command_line(*words: str, settings: Settings, config: Path | None) -> str:
    """Give the command line of another command on the same data, to be copied.

    Args:
        *words: The command and its own arguments.
        settings: Of the running command.
        config: The file that the running command read.
    """
    line = [os.environ.get(_COMMAND_VARIABLE, "actor-oauth"), *words]
    if config is not None:
        line += ["--config", str(config)]
    if settings.data.absolute() != Path(".actor-oauth").absolute():
        line += ["--data", str(settings.data)]
    return shlex.join(line)


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """Show how many actors were processed, on standard error."""
    columns = (
        TextColumn("{task.description}: {task.completed:,} actors"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    shown = console.is_terminal
    with Progress(
        *columns, console=console, transient=True, disable=not shown
    ) as progress:
        task = progress.add_task(what, total=None)

        def tell(done: int) -> None:
            if done % 100 == 0:
                progress.update(task, completed=done)

        yield tell


def _printable(text: str) -> str:
    # A registered name may hold escape sequences that a terminal obeys.
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
