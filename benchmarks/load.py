"""The load driver: a process of its own that keeps connections busy, and counts.

It reads a plan (JSON) from standard input and prints figures (JSON). Every connection
repeats one thing for as long as the plan says:

- `fixed`: the same request again and again (an echo, an access check);
- `refresh`: its own chain of refresh tokens, each answer giving the next token.

What the driver itself can do at most, `benchmarks.throughput` measures against a server
that answers without looking.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from time import perf_counter, process_time
from urllib.parse import urlencode, urlsplit

import trio

from benchmarks.http_connection import (
    ConnectionBrokenError,
    HttpAnswer,
    HttpConnection,
    render_request,
)

NO_ANSWER = 0

_FORM = ("Content-Type", "application/x-www-form-urlencoded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the driver is to do.

    Attributes:
        url: What is asked: for `refresh` the token endpoint.
        seconds: How long it is measured.
        warm_up: How long it runs before that.
        connections: How many, for `fixed`.
        method: For `fixed`.
        headers: For `fixed`, besides those that every request has.
        body: For `fixed`.
        client_id: For `refresh`.
        refresh_tokens: For `refresh`: one chain, and so one connection, for each.
    """

    url: str
    seconds: float
    warm_up: float = 0.5
    connections: int = 16
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    client_id: str = ""
    refresh_tokens: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFigures:
    """What came back while it was measured; latencies in milliseconds.

    Attributes:
        per_second: Answers with status 200 per second.
        answers: How often each status came; 0 stands for a connection that broke.
        p50: Latency that half of the answers keep below.
        p99: Latency that all but one in a hundred keep below.
        cpu_share: CPU time of the driver for each second: near 1.0, the driver is what
            was measured.
    """

    per_second: float
    answers: dict[str, int]
    p50: float
    p99: float
    cpu_share: float


class _Recorder:
    def __init__(self, starts_at: float) -> None:
        self._starts_at = starts_at
        self.answers: Counter[int] = Counter()
        self.latencies: list[float] = []

    def note(self, status: int, started: float) -> None:
        if started >= self._starts_at:
            self.answers[status] += 1
            self.latencies.append(perf_counter() - started)


def _fixed_requests(plan: Plan) -> Callable[[bytes], bytes]:
    request = render_request(
        plan.method,
        _target(plan.url),
        urlsplit(plan.url).netloc,
        headers=tuple(plan.headers.items()),
        body=plan.body.encode(),
    )
    return lambda _previous: request


def _refreshes(plan: Plan, token: str) -> Callable[[bytes], bytes]:
    def request(previous: bytes) -> bytes:
        nonlocal token
        if previous:
            token = json.loads(previous)["refresh_token"]
        form = {
            "grant_type": "refresh_token",
            "client_id": plan.client_id,
            "refresh_token": token,
        }
        netloc = urlsplit(plan.url).netloc
        body = urlencode(form).encode()
        return render_request(
            "POST", _target(plan.url), netloc, headers=(_FORM,), body=body
        )

    return request


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


async def _keep_busy(
    host: str, port: int, make: Callable[[bytes], bytes], recorder: _Recorder
) -> None:
    body = b""
    while True:
        connection = await HttpConnection.open(host, port)
        async with aclosing(connection):
            while True:
                request = make(body)
                started = perf_counter()
                answer = await _ask(connection, request)
                recorder.note(answer.status, started)
                # After an error the same token is presented again.
                body = answer.body if answer.status == 200 else b""
                if answer.is_last:
                    break


async def _ask(connection: HttpConnection, request: bytes) -> HttpAnswer:
    try:
        return await connection.ask(request)
    except ConnectionBrokenError:
        return HttpAnswer(NO_ANSWER, b"\r\nConnection: close\r\n", b"")


async def drive(plan: Plan) -> LoadFigures:
    """Carry out a plan."""
    parts = urlsplit(plan.url)
    assert parts.hostname is not None
    assert parts.port is not None
    if plan.refresh_tokens:
        makers = [_refreshes(plan, token) for token in plan.refresh_tokens]
    else:
        makers = [_fixed_requests(plan)] * plan.connections
    recorder = _Recorder(perf_counter() + plan.warm_up)
    busy = process_time()
    with trio.move_on_after(plan.warm_up + plan.seconds):
        async with trio.open_nursery() as nursery:
            for maker in makers:
                nursery.start_soon(
                    _keep_busy, parts.hostname, parts.port, maker, recorder
                )
    busy = process_time() - busy
    ordered = sorted(recorder.latencies) or [0.0]
    return LoadFigures(
        per_second=round(recorder.answers[200] / plan.seconds, 1),
        answers={str(status): n for status, n in sorted(recorder.answers.items())},
        p50=round(ordered[len(ordered) // 2] * 1000, 3),
        p99=round(ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] * 1000, 3),
        cpu_share=round(busy / (plan.warm_up + plan.seconds), 2),
    )


def main() -> None:
    """Carry out the plan on standard input."""
    plan = Plan(**json.load(sys.stdin))
    print(json.dumps(asdict(trio.run(drive, plan))))


if __name__ == "__main__":
    main()
