"""The driver's loop: many connections of one process, each led by a script.

A script is a generator. It yields what it wants next, a request or a pause, and is sent
the answer. One selector serves all of them, so a request costs two system calls and a
few microseconds: a driver on tasks of an event loop needs three times as much, and with
that the fastest of the servers would measure the driver.

Connections are opened with blocking calls. On a local network nobody feels that; far
away it costs a round trip, so a script opens its connection before what is timed.
"""

import heapq
import selectors
import socket
import ssl
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from itertools import count
from time import monotonic
from typing import Final, TypeAlias

from actor_oauth.bench.http import (
    NO_ANSWER,
    Answer,
    AnswerReader,
    MalformedAnswerError,
    Origin,
    Request,
)

ANSWER_SECONDS: Final = 60.0
_CONNECT_SECONDS: Final = 10.0
_CHUNK: Final = 65536
# Below this the selector's timer is too coarse, and the loop asks again at once.
_SPIN_SECONDS: Final = 0.002


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait until a time of the monotonic clock."""

    until: float


@dataclass(frozen=True, slots=True)
class Connect:
    """Have a connection ready; answered when there is one, with 200, or `NO_ANSWER`."""

    origin: Origin


Step: TypeAlias = Request | Pause | Connect
Script: TypeAlias = Generator[Step, Answer, None]

_NOTHING: Final = Answer(200, b"", b"", 0.0, 0.0)


class _Connection:
    """A keep-alive connection of one script."""

    __slots__ = ("reader", "rest", "secure", "socket")

    def __init__(self, origin: Origin) -> None:
        plain = socket.create_connection(
            (origin.host, origin.port), timeout=_CONNECT_SECONDS
        )
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.secure = origin.scheme == "https"
        self.socket: socket.socket = plain
        if self.secure:
            context = ssl.create_default_context()
            self.socket = context.wrap_socket(plain, server_hostname=origin.host)
        self.socket.settimeout(0)
        self.reader = AnswerReader()
        self.rest = b""

    def send(self, data: bytes) -> None:
        try:
            sent = self.socket.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError):
            sent = 0
        self.rest = data[sent:]

    def receive(self) -> bytes | None:
        """What has arrived: empty at the end, None if there is nothing yet."""
        try:
            data = self.socket.recv(_CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        while self.secure and self.socket_pending():
            data += self.socket.recv(_CHUNK)
        return data

    def socket_pending(self) -> int:
        """Bytes that TLS has read ahead, which no selector sees."""
        return self.socket.pending() if isinstance(self.socket, ssl.SSLSocket) else 0


class _Run:
    """A script, where it stands, and its connections."""

    __slots__ = ("asked", "connections", "deadline", "script", "sent")

    def __init__(self, script: Script) -> None:
        self.script = script
        self.connections: dict[Origin, _Connection] = {}
        self.asked: _Connection | None = None
        self.sent = 0.0
        self.deadline = 0.0


class Loop:
    """Runs scripts until all have ended, or for as long as it is let.

    Args:
        patience: Seconds that an answer may take.
        on_answer: Called at every answer, for a progress bar.
    """

    def __init__(
        self,
        *,
        patience: float = ANSWER_SECONDS,
        on_answer: Callable[[], None] | None = None,
    ) -> None:
        self._patience = patience
        self._on_answer = on_answer
        self._selector = selectors.DefaultSelector()
        self._owners: dict[int, tuple[_Run, _Connection]] = {}
        self._timers: list[tuple[float, int, _Run, Answer]] = []
        self._numbers = count()
        self._running = 0
        self._check_at = 0.0

    def run(self, scripts: Iterable[Script], *, until: float | None = None) -> None:
        """Run scripts.

        Args:
            scripts: Started in this order.
            until: When to stop in the middle of whatever they do; scripts still
                running then are closed.
        """
        runs = [_Run(script) for script in scripts]
        self._running = len(runs)
        self._check_at = monotonic() + 1.0
        try:
            for run in runs:
                self._advance(run, None)
            while self._running and (until is None or monotonic() < until):
                self._turn(until)
        finally:
            for run in runs:
                run.script.close()
                self._drop_all(run)
            self._selector.close()

    def _turn(self, until: float | None) -> None:
        for key, mask in self._selector.select(self._wait(until)):
            owner = self._owners.get(key.fd)
            if owner is not None:
                self._serve(*owner, mask)
        now = monotonic()
        while self._timers and self._timers[0][0] <= now:
            _, _, run, answer = heapq.heappop(self._timers)
            self._advance(run, answer)
        if now >= self._check_at:
            self._check_at = now + 1.0
            self._give_up_on_late(now)

    def _wait(self, until: float | None) -> float:
        """How long to sleep at most."""
        due = self._check_at if until is None else min(self._check_at, until)
        if self._timers:
            due = min(due, self._timers[0][0])
        seconds = due - monotonic()
        return 0.0 if seconds < _SPIN_SECONDS else seconds - _SPIN_SECONDS / 2

    def _serve(self, run: _Run, connection: _Connection, mask: int) -> None:
        try:
            if connection.rest:
                self._send(connection, connection.rest)
            if mask & selectors.EVENT_READ:
                self._receive(run, connection)
        except (OSError, MalformedAnswerError) as error:
            self._broke(run, connection, error)

    def _receive(self, run: _Run, connection: _Connection) -> None:
        data = connection.receive()
        if data is None:
            return
        reader = connection.reader
        found = reader.feed(data) if data else reader.finish()
        if found is None:
            if not data:
                self._broke(run, connection, EOFError("the server hung up"))
            return
        if run.asked is not connection:
            raise MalformedAnswerError("an answer that nobody asked for")
        answer = Answer(*found, run.sent, monotonic())
        run.asked = None
        if reader.closes:
            self._drop(run, connection)
        if self._on_answer is not None:
            self._on_answer()
        self._advance(run, answer)

    def _broke(self, run: _Run, connection: _Connection, why: Exception) -> None:
        self._drop(run, connection)
        if run.asked is connection:
            run.asked = None
            self._fail(run, why)

    def _fail(self, run: _Run, why: Exception) -> None:
        """Tell the script that nothing came, in the loop's next turn.

        Not at once: a script that asks again and again would keep the loop to itself.
        """
        now = monotonic()
        told = f"{type(why).__name__}: {why}".encode()
        self._answer_at(now, run, Answer(NO_ANSWER, told, b"", run.sent, now))

    def _answer_at(self, time: float, run: _Run, answer: Answer) -> None:
        heapq.heappush(self._timers, (time, next(self._numbers), run, answer))

    def _advance(self, run: _Run, answer: Answer | None) -> None:
        """Send the answer to the script, and do what it yields next."""
        try:
            step = next(run.script) if answer is None else run.script.send(answer)
        except StopIteration:
            self._drop_all(run)
            self._running -= 1
            return
        run.sent = monotonic()
        if isinstance(step, Pause):
            self._answer_at(step.until, run, _NOTHING)
            return
        try:
            connection = self._connection(run, step.origin)
            if isinstance(step, Connect):
                self._answer_at(run.sent, run, _NOTHING)
                return
            run.asked = connection
            run.sent = monotonic()
            run.deadline = run.sent + self._patience
            self._send(connection, step.data)
        except OSError as error:
            run.asked = None
            self._fail(run, error)

    def _connection(self, run: _Run, origin: Origin) -> _Connection:
        connection = run.connections.get(origin)
        if connection is None:
            connection = run.connections[origin] = _Connection(origin)
            self._owners[connection.socket.fileno()] = (run, connection)
            self._selector.register(connection.socket, selectors.EVENT_READ)
        return connection

    def _send(self, connection: _Connection, data: bytes) -> None:
        waited = bool(connection.rest)
        connection.send(data)
        if bool(connection.rest) is not waited:
            wanted = selectors.EVENT_READ
            if connection.rest:
                wanted |= selectors.EVENT_WRITE
            self._selector.modify(connection.socket, wanted)

    def _drop(self, run: _Run, connection: _Connection) -> None:
        self._selector.unregister(connection.socket)
        del self._owners[connection.socket.fileno()]
        connection.socket.close()
        run.connections = {
            origin: one
            for origin, one in run.connections.items()
            if one is not connection
        }

    def _drop_all(self, run: _Run) -> None:
        for connection in list(run.connections.values()):
            self._drop(run, connection)

    def _give_up_on_late(self, now: float) -> None:
        late = [
            (run, connection)
            for run, connection in self._owners.values()
            if run.asked is connection and run.deadline < now
        ]
        for run, connection in late:
            self._broke(run, connection, TimeoutError("no answer in time"))
