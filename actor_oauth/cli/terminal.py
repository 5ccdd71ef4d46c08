"""Output of the command line: results on standard output, all else on standard error."""

import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from actor_oauth.config import Settings

# `./dev` names itself here, so that what is suggested can be typed as it stands.
_COMMAND_VARIABLE: Final = "ACTOR_OAUTH_COMMAND"

_PIPE_WIDTH: Final = 100_000

_ACTORS_AT_ONCE: Final = 100
_LINE_SECONDS: Final = 60.0


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
def showing_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show on standard error how far a long command is: not on a terminal, each minute.

    Meanwhile SIGTERM and SIGHUP end it as Ctrl-C does: what it has begun is removed.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}: {task.completed:,} of {task.total:,} actors"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    shown = console.is_terminal
    due = time.monotonic() + _LINE_SECONDS
    with (
        _stopped_by(signal.SIGTERM, signal.SIGHUP),
        Progress(
            *columns, console=console, transient=True, disable=not shown
        ) as progress,
    ):
        task = progress.add_task("", total=0)

        def tell(what: str, done: int, total: int) -> None:
            nonlocal due
            if done % _ACTORS_AT_ONCE == 0:
                progress.update(task, description=what, completed=done, total=total)
                if not shown and time.monotonic() >= due:
                    due += _LINE_SECONDS
                    say(f"{what}: {done:,} of {total:,} actors")

        yield tell


@contextmanager
def _stopped_by(*signals: signal.Signals) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in signals}
    for number in signals:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _printable(text: str) -> str:
    # A registered name may hold escape sequences that a terminal obeys.
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
