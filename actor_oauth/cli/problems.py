"""Problems that an operator can fix, reported without a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from actor_oauth.cli.terminal import CommandError, say
from actor_oauth.config import ConfigError


@contextmanager
def saying_problems() -> Iterator[None]:
    """End the process with status 1 and a sentence for each problem, if there are any.

    Anything else is a fault, and propagates.
    """
    problems: list[str] = []
    try:
        yield
    # Whether alone or in the exception group of a nursery.
    except* ConfigError as errors:
        problems += [str(error) for error in _leaves(errors)]
    except* CommandError as errors:
        problems += [str(error) for error in _leaves(errors)]
    for problem in dict.fromkeys("\n".join(problems).splitlines()):
        say(f"actor-oauth: {problem}")
    if problems:
        sys.exit(1)


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves
