"""`bench`: races, histories and load against this or any other OAuth server."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from actor_oauth.bench.asking import BenchError
from actor_oauth.bench.plan import Foreign, Plan, What
from actor_oauth.bench.races.run import RACES, Tell
from actor_oauth.bench.report.document import Report
from actor_oauth.bench.report.render import to_html, to_terminal
from actor_oauth.bench.run import run_plan
from actor_oauth.bench.target import Credentials
from actor_oauth.cli.options import JsonOption
from actor_oauth.cli.terminal import CommandError, print_json, say

_SERVER: Final = "An already running server"
_TOKENS: Final = "Where its tokens come from"
_RACES: Final = "Races"
_THROUGHPUT: Final = "Throughput"
_EXIT_WRONG: Final = 3


def bench(
    what: Annotated[
        list[What] | None,
        typer.Argument(help="What to measure; default races."),
    ] = None,
    *,
    url: Annotated[
        str | None,
        typer.Option(
            help="Issuer of a running server. By default, a provider of this package "
            "is started on an empty directory.",
            rich_help_panel=_SERVER,
        ),
    ] = None,
    token_endpoint: Annotated[
        str | None, typer.Option(metavar="URL", rich_help_panel=_SERVER)
    ] = None,
    authorization_endpoint: Annotated[
        str | None, typer.Option(metavar="URL", rich_help_panel=_SERVER)
    ] = None,
    revocation_endpoint: Annotated[
        str | None, typer.Option(metavar="URL", rich_help_panel=_SERVER)
    ] = None,
    introspection_endpoint: Annotated[
        str | None, typer.Option(metavar="URL", rich_help_panel=_SERVER)
    ] = None,
    registration_endpoint: Annotated[
        str | None, typer.Option(metavar="URL", rich_help_panel=_SERVER)
    ] = None,
    resource: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="A URL that answers 401 to a bad access token. By default, tokens are "
            "checked by introspection.",
            rich_help_panel=_SERVER,
        ),
    ] = None,
    checker: Annotated[
        str | None,
        typer.Option(
            metavar="ID:SECRET",
            help="The client that is allowed to introspect.",
            rich_help_panel=_SERVER,
        ),
    ] = None,
    tokens: Annotated[
        Path | None,
        typer.Option(
            help="A file with one refresh token per line, or one JSON object with "
            "refresh_token, access_token, client_id, client_secret.",
            rich_help_panel=_TOKENS,
        ),
    ] = None,
    token_command: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="A command that prints ACTOR_OAUTH_BENCH_COUNT such lines.",
            rich_help_panel=_TOKENS,
        ),
    ] = None,
    server_command: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="A command that starts the server of --url, run again after each "
            "kill.",
            rich_help_panel=_SERVER,
        ),
    ] = None,
    client: Annotated[
        str | None,
        typer.Option(
            metavar="ID[:SECRET]",
            help="The client of the tokens, for lines that do not name one.",
            rich_help_panel=_TOKENS,
        ),
    ] = None,
    workers: Annotated[
        list[int] | None,
        typer.Option(help="Processes of the started provider; may be repeated."),
    ] = None,
    race: Annotated[
        list[str] | None,
        typer.Option(
            help=f"One of {', '.join(RACES)}; may be repeated; default all.",
            rich_help_panel=_RACES,
        ),
    ] = None,
    racers: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            max=5000,
            help="Concurrent requests in each round; may be repeated; default 50.",
            rich_help_panel=_RACES,
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, rich_help_panel=_RACES)] = 20,
    jitter: Annotated[
        list[float] | None,
        typer.Option(
            min=0,
            help="Seconds over which the requests are spread; may be repeated; default "
            "0.",
            rich_help_panel=_RACES,
        ),
    ] = None,
    grace: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Seconds for which the server answers a used refresh token with the "
            "current ones; the started provider is configured with it. Default 3, or 0 "
            "with --url.",
            show_default=False,
        ),
    ] = None,
    grants: Annotated[
        int, typer.Option(min=1, help="How many grants' histories are checked.")
    ] = 64,
    kills: Annotated[
        int, typer.Option(min=1, help="How often the server is killed under load.")
    ] = 10,
    seconds: Annotated[
        float,
        typer.Option(
            min=0.1,
            help="Length of each measurement in seconds.",
            rich_help_panel=_THROUGHPUT,
        ),
    ] = 5.0,
    connections: Annotated[
        list[int] | None,
        typer.Option(
            help="Connections kept busy at once; may be repeated; default 1, 16 and "
            "64.",
            rich_help_panel=_THROUGHPUT,
        ),
    ] = None,
    passes: Annotated[
        int,
        typer.Option(
            min=1,
            help="How often everything is measured; the median counts.",
            rich_help_panel=_THROUGHPUT,
        ),
    ] = 1,
    delay: Annotated[
        list[float] | None,
        typer.Option(
            help="Milliseconds added to each sync in slow-disk; may be repeated; "
            "default 0, 1, 5 and 20."
        ),
    ] = None,
    users: Annotated[
        int, typer.Option(min=10, help="Number of users on disk, for scale.")
    ] = 10_000,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep the users of scale in this data directory, which is created if "
            "missing; the next run reuses them and the times measured for creating, "
            "listing and backing them up.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random numbers.")] = 1,
    html: Annotated[
        Path | None, typer.Option(help="Write a report with charts to this file.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json-file", help="Write all figures to this file.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Measure an OAuth server and check that its answers are right.

    Exit status 3: the server broke a rule that every OAuth server must keep.
    """
    if race and (unknown := set(race) - set(RACES)):
        raise CommandError(f"no such race: {', '.join(sorted(unknown))}")
    endpoints = {
        "token": token_endpoint,
        "authorization": authorization_endpoint,
        "revocation": revocation_endpoint,
        "introspection": introspection_endpoint,
        "registration": registration_endpoint,
        "resource": resource,
    }
    foreign = None
    if url is not None or token_endpoint is not None:
        foreign = Foreign(
            issuer=url,
            endpoints=endpoints,
            client=_credentials(client),
            checker=_credentials(checker),
            tokens=tokens,
            token_command=token_command,
            command=server_command,
        )
    plan = Plan(
        what=what or [What.RACES],
        foreign=foreign,
        workers=workers or [1],
        racers=racers or [50],
        rounds=rounds,
        races=race or [],
        jitters=jitter or [0.0],
        grace=grace if grace is not None else (0.0 if foreign else 3.0),
        grants=grants,
        kills=kills,
        seconds=seconds,
        connections=connections or [1, 16, 64],
        passes=passes,
        delays=delay or [0.0, 1.0, 5.0, 20.0],
        users=users,
        data=data,
        seed=seed,
    )
    _run(plan, html=html, json_file=json_file, as_json=json)


def _run(
    plan: Plan, *, html: Path | None, json_file: Path | None, as_json: bool
) -> None:
    try:
        with _progress() as tell:
            report, raw = run_plan(plan, tell)
    except BenchError as error:
        raise CommandError(str(error)) from None
    if html is not None:
        html.write_text(to_html(report))
    if json_file is not None:
        json_file.write_text(json.dumps(raw, indent=1))
    if as_json:
        print_json(raw)
    else:
        Console(width=None if sys.stdout.isatty() else 120).print(to_terminal(report))
    _judge(report)


def _judge(report: Report) -> None:
    for problem in report.problems:
        say(f"WRONG: {problem}")
    if report.problems:
        raise typer.Exit(_EXIT_WRONG)
    say("nothing wrong was found")


@contextmanager
def _progress() -> Iterator[Tell]:
    """Show one bar for whatever is being done, on standard error."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", total=1)

        def tell(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total)

        yield tell


def _credentials(text: str | None) -> Credentials | None:
    if text is None:
        return None
    client_id, _, secret = text.partition(":")
    return Credentials(client_id=client_id, secret=secret or None)
