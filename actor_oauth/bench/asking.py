"""Asking a server before and after what is measured: one answer after the other."""

from collections.abc import Generator, Sequence
from time import monotonic
from typing import TypeVar

from actor_oauth.bench.http import Answer, Request
from actor_oauth.bench.loop import Loop, Pause, Script, Step

Result = TypeVar("Result")
Talk = Generator[Step, Answer, Result]


class BenchError(Exception):
    """The server or the machine lacks something that the run needs: the text says what."""


def converse(talks: Sequence[Talk[Result]]) -> list[Result]:
    """Run conversations at once, each on connections of its own.

    Returns:
        What each came to, in their order.
    """
    results: dict[int, Result] = {}

    def script(number: int, talk: Talk[Result]) -> Script:
        results[number] = yield from talk

    Loop().run([script(number, talk) for number, talk in enumerate(talks)])
    return [results[number] for number in range(len(talks))]


def ask(request: Request) -> Answer:
    """Send one request and wait for its answer."""
    return converse([once(request)])[0]


def once(request: Request) -> Talk[Answer]:
    """One request, one answer."""
    answer = yield request
    return answer


def patiently(request: Request, *, seconds: float = 120.0) -> Talk[Answer]:
    """Ask again for as long as the server says that there were too many requests.

    Args:
        request: To be repeated.
        seconds: After this time, the last answer is returned.
    """
    until = monotonic() + seconds
    while True:
        answer = yield request
        if answer.status not in (429, 503) or monotonic() > until:
            return answer
        told = answer.header("retry-after")
        yield Pause(monotonic() + (float(told) if told.isdigit() else 1.0))
