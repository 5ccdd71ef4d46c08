"""The server that a plan is about, running, with everything that measuring it takes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from actor_oauth.bench.asking import BenchError
from actor_oauth.bench.command_server import CommandServer, command_server
from actor_oauth.bench.crash import Killable
from actor_oauth.bench.fleet import Fleet, open_fleet
from actor_oauth.bench.flow import Flow
from actor_oauth.bench.own_server import own_server
from actor_oauth.bench.plan import Foreign, Plan, What, divide_cores
from actor_oauth.bench.source import CommandSource, FlowSource, Source, file_source
from actor_oauth.bench.target import Endpoints, Target, discover, overridden
from actor_oauth.runtime import SystemEntropy


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running server.

    Attributes:
        name: What tells it from the others of the same plan.
        target: How to ask it.
        source: Where its grants come from.
        fleet: From where it is asked.
        process: To kill it; None if that is not this program's to do.
        groups: Gives the process groups that it is made of, as far as they are known.
    """

    name: str
    target: Target
    source: Source
    fleet: Fleet
    process: Killable | None
    groups: Callable[[], Sequence[int]]


@contextmanager
def served(
    plan: Plan, workers: int, *, grace: float, drivers: int = 1
) -> Iterator[Served]:
    """Have the server running for as long as the block lasts.

    Args:
        plan: Says which server.
        workers: Processes of a provider of this package.
        grace: Its grace window in seconds.
        drivers: Processes that ask it.

    Raises:
        BenchError: It did not come up, or cannot be used.
    """
    with ExitStack() as stack:
        if plan.foreign is not None:
            yield _foreign(plan.foreign, stack, drivers)
            return
        cores = divide_cores(workers)
        server = stack.enter_context(
            own_server(
                workers=workers,
                cores=cores.server,
                module=plan.module,
                refresh_grace_seconds=int(grace),
            )
        )
        target = server.target()
        if What.THROUGHPUT in plan.what:
            target.checker = server.add_checker()
        yield Served(
            name=f", {workers} worker processes" if workers > 1 else "",
            target=target,
            source=server.source(target),
            fleet=stack.enter_context(open_fleet(drivers, cores.drivers)),
            process=server,
            groups=server.groups,
        )


def _foreign(foreign: Foreign, stack: ExitStack, drivers: int) -> Served:
    process: CommandServer | None = None
    if foreign.command is not None:
        url = foreign.issuer or foreign.endpoints.get("token")
        if url is None:
            raise BenchError("give --url, where the command's server will be")
        process = stack.enter_context(command_server(foreign.command, url))
    target = foreign_target(foreign)
    return Served(
        name="",
        target=target,
        source=foreign_source(foreign, target),
        fleet=stack.enter_context(
            # Who starts a server may have kept it to the first core.
            open_fleet(drivers, divide_cores(1).drivers if foreign.command else ())
        ),
        process=process,
        groups=list if process is None else process.groups,
    )


def foreign_target(foreign: Foreign) -> Target:
    """Give a server that is not this package's.

    Raises:
        BenchError: Its endpoints are not known.
    """
    token = foreign.endpoints.get("token")
    if foreign.issuer is not None:
        found = discover(foreign.issuer)
    elif token is not None:
        found = Endpoints(token=token)
    else:
        raise BenchError("give --url, or at least --token-endpoint")
    return Target(overridden(found, foreign.endpoints), checker=foreign.checker)


def foreign_source(foreign: Foreign, target: Target) -> Source:
    """Give the place where its tokens come from.

    Raises:
        BenchError: The file of tokens cannot be used.
    """
    if foreign.tokens is not None:
        return file_source(foreign.tokens, foreign.client)
    if foreign.token_command is not None:
        return CommandSource(foreign.token_command, foreign.client)
    return FlowSource(Flow(target, SystemEntropy()), many_users=False)
