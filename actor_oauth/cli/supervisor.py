"""Several worker processes on one port and one data directory.

Rule 1: the parent answers no request on their port. It binds, starts the workers, replaces
one that dies, and passes on the order to stop.
Rule 2: nothing is announced before every worker is ready, and a worker that cannot
start at all ends the whole server: an operator has to act.
Rule 3: a worker ends when its parent does. It holds the read end of a pipe whose write
end only the parent holds, so not even `kill -9` of the parent leaves workers behind.
"""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import structlog
import trio

from actor_oauth.cli.stop_signals import STOP_MARGIN
from actor_oauth.config import ConfigError, Settings

if TYPE_CHECKING:
    from actor_oauth.provider.metrics.workers import WorkerFiles

READY: Final = b"ready\n"

# A worker that keeps dying must not eat the machine, nor be given up for good.
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_STEADY_SECONDS: Final = 60.0
_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class _Fleet:
    """What all workers share.

    Attributes:
        settings: Bound.
        fd: The listening socket that every worker inherits.
        stopping: Set when the server is to stop.
        counts: Where they count; None if they do not.
        waited_for: Workers that have not been ready yet.
        all_ready: Set when that has reached zero.
    """

    settings: Settings
    fd: int
    stopping: trio.Event
    counts: "WorkerFiles | None"
    waited_for: int
    all_ready: trio.Event = field(default_factory=trio.Event)


async def supervise(
    settings: Settings,
    *,
    fd: int,
    announce: Callable[[], None],
    stopping: trio.Event,
    counts: "WorkerFiles | None" = None,
) -> None:
    """Run the workers until the server is to stop.

    Args:
        settings: Bound; handed to each worker as they are.
        fd: A listening socket.
        announce: Called once, when all workers are ready.
        stopping: Set it to stop. Every worker then has `shutdown_seconds`.
        counts: Where they count what they answer; without it they do not.

    Raises:
        ConfigError: A worker could not start.
    """
    fleet = _Fleet(
        settings=settings,
        fd=fd,
        stopping=stopping,
        counts=counts,
        waited_for=settings.workers,
    )
    async with trio.open_nursery() as nursery:
        for number in range(settings.workers):
            nursery.start_soon(_keep_running, fleet, number)
        nursery.start_soon(_announce_when_ready, fleet, announce)


async def _announce_when_ready(fleet: _Fleet, announce: Callable[[], None]) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_cancel_after, fleet.stopping, nursery.cancel_scope)
        await fleet.all_ready.wait()
        announce()
        nursery.cancel_scope.cancel()


async def _cancel_after(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()


async def _keep_running(fleet: _Fleet, number: int) -> None:
    pause = _FIRST_PAUSE
    while not fleet.stopping.is_set():
        started = trio.current_time()
        await _run_worker(fleet, number)
        if trio.current_time() - started >= _STEADY_SECONDS:
            pause = _FIRST_PAUSE
        with trio.move_on_after(pause):
            await fleet.stopping.wait()
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _run_worker(fleet: _Fleet, number: int) -> None:
    """Start one worker process and wait for its end."""
    log = _log.bind(worker=number)
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "actor_oauth", "worker", *_arguments(fleet, number)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=(fleet.fd,),
        # Ctrl-C goes to the whole group of the terminal; here the parent says when.
        process_group=0,
    )
    ready = trio.Event()
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_stop_worker, fleet, process, ready)
            if await _is_ready(process, fleet.settings):
                ready.set()
                log.info("worker ready", pid=process.pid)
                _count_ready(fleet)
            status = await process.wait()
            nursery.cancel_scope.cancel()
        _judge(fleet, log, status)
    finally:
        with trio.CancelScope(shield=True):
            await _reap(process)
        if fleet.counts is not None:
            fleet.counts.ended(number)


def _arguments(fleet: _Fleet, number: int) -> list[str]:
    arguments = ["--fd", str(fleet.fd), "--number", str(number)]
    if fleet.counts is not None:
        arguments += ["--counts", str(fleet.counts.directory)]
    return arguments


def _count_ready(fleet: _Fleet) -> None:
    fleet.waited_for -= 1
    if fleet.waited_for == 0:
        fleet.all_ready.set()


def _judge(fleet: _Fleet, log: structlog.stdlib.BoundLogger, status: int) -> None:
    if fleet.stopping.is_set():
        if status != 0:
            log.warning("worker did not stop cleanly", status=status)
    elif fleet.all_ready.is_set():
        log.error("worker ended; starting another", status=status)
    else:
        raise ConfigError([f"a worker could not start (exit status {status})"])


async def _is_ready(process: trio.Process, settings: Settings) -> bool:
    """Hand the settings over and wait for the worker's word."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        await process.stdin.send_all(settings.model_dump_json().encode() + b"\n")
        return await process.stdout.receive_some(len(READY)) == READY
    except trio.BrokenResourceError:
        return False


async def _stop_worker(fleet: _Fleet, process: trio.Process, ready: trio.Event) -> None:
    await fleet.stopping.wait()
    if ready.is_set():
        # Not by a signal: a service manager sends its own to all processes of a service,
        # and a worker that gets a second one drops what is in flight.
        assert process.stdin is not None
        await process.stdin.aclose()
    else:
        process.terminate()
    await trio.sleep(fleet.settings.shutdown_seconds + STOP_MARGIN)
    process.kill()


async def _reap(process: trio.Process) -> None:
    process.kill()
    await process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        await pipe.aclose()
