"""What a run is to do: everything that the command line can say."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from actor_oauth.bench.target import Credentials


class What(StrEnum):
    """What can be measured."""

    RACES = "races"
    HISTORY = "history"
    CRASH = "crash"
    THROUGHPUT = "throughput"
    SLOW_DISK = "slow-disk"
    SCALE = "scale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A server that runs already, and where its tokens come from.

    Attributes:
        issuer: To discover endpoints from; None if all that is needed is given.
        endpoints: URLs by their names in `Endpoints`; they win over what is discovered.
        client: Whose tokens they are, where that is not said.
        checker: The client that may introspect any token.
        tokens: A file of tokens.
        token_command: A command that prints some.
        command: Restarts the server after it was killed, always at the same address.
    """

    issuer: str | None
    endpoints: dict[str, str | None] = field(default_factory=dict)
    client: Credentials | None = None
    checker: Credentials | None = None
    tokens: Path | None = None
    token_command: str | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run.

    Attributes:
        what: Is measured, in this order.
        foreign: The server; None for a provider of this package, on an empty directory.
        workers: Worker processes of that provider: every measurement is made with each.
        module: What these processes run; tests put a broken provider here.
        racers: Requests that meet in a race: each is run with each number.
        rounds: Of each race.
        races: Which; all if empty.
        jitters: Seconds over which racers are spread: each is run with each of them.
        grace: Seconds for which a used refresh token still answers.
        grants: Whose histories are checked.
        kills: Of a server that is killed under load.
        seconds: Of each measurement of throughput.
        connections: That are kept busy: throughput is measured with each number.
        passes: How often everything is measured; the middle one counts.
        delays: Of syncs, in milliseconds; the first is what the others are compared to.
        users: On disk, when it is measured how the number of users matters.
        data: Where these are kept for the next run; None to delete them.
        seed: For everything that is left to chance.
    """

    what: Sequence[What]
    foreign: Foreign | None = None
    workers: Sequence[int] = (1,)
    module: str = "actor_oauth.bench.server"
    racers: Sequence[int] = (50,)
    rounds: int = 20
    races: Sequence[str] = ()
    jitters: Sequence[float] = (0.0,)
    grace: float = 3.0
    grants: int = 64
    kills: int = 10
    seconds: float = 5.0
    connections: Sequence[int] = (1, 16, 64)
    passes: int = 1
    delays: Sequence[float] = (0.0, 1.0, 5.0, 20.0)
    users: int = 10_000
    data: Path | None = None
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Cores:
    """Which cores the measured server has, and which the drivers; anything if empty."""

    server: Sequence[int]
    drivers: Sequence[int]


def divide_cores(workers: int) -> Cores:
    """Give each worker process a core, and the drivers what is left.

    Where nothing would be left, the kernel may decide for all of them.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) <= workers:
        return Cores((), ())
    return Cores(cores[:workers], cores[workers:])
