"""`serve`, and the hidden `worker` that it starts with `--workers`."""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import structlog
import trio
import typer

from actor_oauth.cli.greeting import greet
from actor_oauth.cli.options import ConfigOption, DataOption, overrides
from actor_oauth.cli.stop_signals import STOP_MARGIN, open_stop_signals
from actor_oauth.cli.supervisor import READY, supervise
from actor_oauth.cli.terminal import say
from actor_oauth.config import (
    LogFormat,
    LogLevel,
    Settings,
    configure_logging,
)
from actor_oauth.config.data_directory import prepare_data_directory
from actor_oauth.config.hosts import http_url
from actor_oauth.config.keyring_file import open_keyring
from actor_oauth.config.load import read_settings, unknown_variables
from actor_oauth.provider import Provider
from actor_oauth.provider.command import serve as serve_provider
from actor_oauth.provider.listening import bind, bind_metrics
from actor_oauth.provider.parent import wait_for_parents_end
from actor_oauth.runtime import SystemEntropy

if TYPE_CHECKING:
    from actor_oauth.provider.metrics import Metrics

_PASSWORD_BYTES: Final = 32

_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)


def serve(
    *,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; default 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            help="Port; default 8000, 0 picks a free one.", show_default=False
        ),
    ] = None,
    data: DataOption = None,
    issuer: Annotated[
        str | None,
        typer.Option(help="Public base URL, https unless on loopback."),
    ] = None,
    config: ConfigOption = None,
    workers: Annotated[
        int | None, typer.Option(help="Number of processes that share port and data.")
    ] = None,
    auto_approve: Annotated[
        str | None,
        typer.Option(
            metavar="USER",
            help="For tests and demos on loopback: approve everything as this user, "
            "without asking.",
        ),
    ] = None,
    log_level: Annotated[
        LogLevel | None,
        typer.Option(help="Least severe level that is logged; default info."),
    ] = None,
    log_format: Annotated[
        LogFormat | None,
        typer.Option(help="Logs for people (console) or for programs (json)."),
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(help="Port for Prometheus metrics, on loopback; off by default."),
    ] = None,
) -> None:
    """Serve the provider until SIGTERM or Ctrl-C."""
    settings = read_settings(
        config,
        overrides(
            host=host,
            port=port,
            data=data,
            issuer=issuer,
            workers=workers,
            auto_approve=auto_approve,
            log_level=log_level,
            log_format=log_format,
            metrics_port=metrics_port,
        ),
    )
    configure_logging(settings.log_level, settings.log_format, sys.stderr)
    for problem in unknown_variables(os.environ):
        _log.warning(problem)
    settings = _prepare(settings)
    fd, settings = bind(settings)
    metrics_fd, settings = bind_metrics(settings)
    trio.run(partial(_serve, settings, fd=fd, metrics_fd=metrics_fd, config=config))


def worker(
    *,
    fd: Annotated[int, typer.Option()],
    number: Annotated[int, typer.Option()],
    counts: Annotated[Path | None, typer.Option()] = None,
) -> None:
    """Serve as one of several processes; started by `serve`, never by hand.

    The settings come as one line of JSON on standard input, which stays open for as
    long as the parent lives. A line on standard output says that this is ready.
    """
    settings = Settings.model_validate_json(sys.stdin.buffer.readline())
    configure_logging(settings.log_level, settings.log_format, sys.stderr)
    metrics = None
    if counts is not None:
        from actor_oauth.provider.metrics.workers import metrics_of_worker  # noqa: PLC0415

        try:
            metrics = metrics_of_worker(counts, number)
        except OSError as error:
            # What is not counted is served all the same.
            _log.error("metrics are off in this worker", fault=error.strerror)
    trio.run(partial(_serve_as_worker, settings, fd=fd, metrics=metrics))


def _prepare(settings: Settings) -> Settings:
    """Find out what keeps the server from starting, before it takes a port."""
    entropy = SystemEntropy()
    data = prepare_data_directory(settings.data, entropy=entropy)
    open_keyring(data, entropy=entropy)
    return settings.model_copy(update={"data": data})


async def _serve(
    settings: Settings, *, fd: int, metrics_fd: int | None, config: Path | None
) -> None:
    has_users = await _look_at_users(settings)
    if settings.auto_approve is not None:
        _warn_of_auto_approve(settings.auto_approve)
    announce = partial(greet, settings, config=config, has_users=has_users)
    seconds = _seconds_to_stop(settings)
    if settings.workers > 1:
        # It kills workers that are late, and sees them end.
        seconds += STOP_MARGIN
    async with open_stop_signals(seconds) as stopping:
        run = _run_workers if settings.workers > 1 else _run_alone
        await run(
            settings, fd=fd, metrics_fd=metrics_fd, announce=announce, stopping=stopping
        )
    _log.info("stopped")


async def _run_workers(
    settings: Settings,
    *,
    fd: int,
    metrics_fd: int | None,
    announce: Callable[[], None],
    stopping: trio.Event,
) -> None:
    run = partial(supervise, settings, fd=fd, announce=announce, stopping=stopping)
    if metrics_fd is None:
        await run()
        return
    # Only who wants metrics waits for what makes them.
    from actor_oauth.provider.metrics.scraping import serving_scrapes  # noqa: PLC0415
    from actor_oauth.provider.metrics.workers import WorkerFiles  # noqa: PLC0415

    with WorkerFiles.open() as counts:
        async with serving_scrapes(counts.text, fd=metrics_fd):
            _tell_of_metrics(settings)
            await run(counts=counts)


async def _run_alone(
    settings: Settings,
    *,
    fd: int,
    metrics_fd: int | None,
    announce: Callable[[], None],
    stopping: trio.Event,
) -> None:
    run = partial(
        serve_provider,
        settings,
        fd=fd,
        announce=_ignoring_issuer(announce),
        stopping=stopping,
    )
    if metrics_fd is None:
        await run()
        return
    # As for workers.
    from actor_oauth.provider.metrics import Metrics  # noqa: PLC0415
    from actor_oauth.provider.metrics.scraping import serving_scrapes  # noqa: PLC0415

    metrics = Metrics()
    async with serving_scrapes(metrics.text, fd=metrics_fd):
        _tell_of_metrics(settings)
        await run(metrics=metrics)


def _tell_of_metrics(settings: Settings) -> None:
    assert settings.metrics_port is not None
    url = http_url(settings.metrics_host, settings.metrics_port)
    _log.info("metrics for Prometheus", url=f"{url}/metrics")


async def _serve_as_worker(
    settings: Settings, *, fd: int, metrics: "Metrics | None"
) -> None:
    seconds = _seconds_to_stop(settings)
    async with open_stop_signals(seconds) as stopping, trio.open_nursery() as nursery:
        nursery.start_soon(_stop_without_parent, stopping)
        await serve_provider(
            settings,
            fd=fd,
            announce=_ignoring_issuer(_say_ready),
            stopping=stopping,
            metrics=metrics,
        )
        nursery.cancel_scope.cancel()


def _seconds_to_stop(settings: Settings) -> float:
    return settings.shutdown_seconds + STOP_MARGIN


async def _stop_without_parent(stopping: trio.Event) -> None:
    await wait_for_parents_end()
    stopping.set()


def _say_ready() -> None:
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()


def _ignoring_issuer(announce: Callable[[], None]) -> Callable[[str], None]:
    return lambda _issuer: announce()


async def _look_at_users(settings: Settings) -> bool:
    """Tell whether there is a user, after making the one of `auto_approve`."""
    async with Provider(settings).open_server() as server:
        if settings.auto_approve is not None:
            # Nobody knows this password; `users set-password` gives it another.
            password = SystemEntropy().token_bytes(_PASSWORD_BYTES).hex()
            await server.create_user(settings.auto_approve, password)
        return bool((await server.list_users(limit=1)).entries)


def _warn_of_auto_approve(user: str) -> None:
    border = "!" * 72
    say(border)
    say(f"!! AUTO-APPROVE: whoever can reach this port is {user}, without a password.")
    say("!! For tests and demos on this machine only.")
    say(border)
