"""One of Hypercorn's connections, with fewer steps of the event loop for each request.

Hypercorn reads, parses and answers. Through its own worker a request takes some twenty
steps of Trio's loop, each of which costs as much as a good part of a turn; here it is a
handful. What is different:

Rule 1: a head that announces its length waits for the body, which follows at once, and
both go out in one piece. A head that does not goes out by itself: it begins a stream.
Rule 2: one piece is written without waiting if the kernel takes it. All that is longer,
or comes after it, is written as Hypercorn does, which gives way after each piece.
Rule 3: one request is served at a time. To cancel it, all tasks of its connection are
cancelled, and started again for the next request: no request pays for a scope of its own.
Rule 4: one task of each connection checks whether it has been idle for too long, or its
client has stopped reading. It is started once, not for every wait between two requests;
it ends with its client.
"""

import os
from collections.abc import Awaitable, Callable
from typing import Final

import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol import ProtocolWrapper
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.events import Response
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.task_group import TaskGroup, _handle
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import (
    AppWrapper,
    ASGIReceiveEvent,
    ASGISendEvent,
    ConnectionState,
    Scope,
)
from hypercorn.utils import parse_socket_addr

from actor_oauth.resource.asgi import CANCEL_EXTENSION

_CHUNK_BYTES: Final = 65536

# Naming the type of what goes through costs as much as making the channel does.
_open_channel: Final = trio.open_memory_channel[ASGIReceiveEvent]


class Connection(TCPServer):
    """One connection, from its first byte to its last.

    Args:
        app: What answers.
        config: Hypercorn's.
        context: Tells when the server ends.
        state: Of the application's lifespan.
        stream: The accepted connection, without TLS.
    """

    def __init__(
        self,
        app: AppWrapper,
        config: Config,
        context: WorkerContext,
        state: ConnectionState,
        stream: trio.SocketStream,
    ) -> None:
        # Hypercorn names the type of TLS here, and takes either.
        super().__init__(app, config, context, state, stream)  # type: ignore[arg-type]
        self._socket = stream.socket
        self._idle_since: float | None = trio.current_time()
        self._sending_since: float | None = None

    async def run(self) -> None:
        """Serve requests until either side hangs up."""
        try:
            client = parse_socket_addr(self._socket.family, self._socket.getpeername())
            server = parse_socket_addr(self._socket.family, self._socket.getsockname())
            tasks = self._task_group = _Tasks()
            self.protocol = ProtocolWrapper(
                self.app,
                self.config,
                self.context,
                tasks,
                ConnectionState(self.state),
                ssl=False,
                client=client,
                server=server,
                send=self.protocol_send,
            )
            http = self.protocol.protocol = _OnePieceH11(self, self.protocol)
            await self.protocol.initiate()
            # Hypercorn shields what it sends, so only closing the socket ends a send to a
            # client that has stopped reading, also where all of this is cancelled.
            watching = trio.CancelScope(shield=True)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch, watching)
                try:
                    while await self._serve_until_cancelled(tasks):
                        if self._idle_since is None or http.connection.trailing_data[0]:
                            # Its answer is not complete, or part of a request was read.
                            break
                finally:
                    watching.cancel()
        except OSError:
            # The client has disconnected already.
            pass
        finally:
            await self._close()

    async def _serve_until_cancelled(self, tasks: "_Tasks") -> bool:
        """Serve requests until the client is gone, or one is cancelled.

        Returns:
            Whether a request was cancelled.
        """
        async with trio.open_nursery() as nursery:
            tasks.run_in(nursery)
            await self._read_data()
        return nursery.cancel_scope.cancelled_caught

    async def protocol_send(self, event: Event) -> None:
        """Do what the protocol says: send, close, or note that nothing is under way."""
        if isinstance(event, Updated):
            self._idle_since = trio.current_time() if event.idle else None
        elif isinstance(event, RawData):
            await self._send(event.data)
        else:
            await super().protocol_send(event)

    async def _send(self, data: bytes) -> None:
        # In pieces, to distinguish a client that reads slowly from one that does not
        # read.
        for start in range(0, len(data), _CHUNK_BYTES):
            self._sending_since = trio.current_time()
            await super().protocol_send(RawData(data[start : start + _CHUNK_BYTES]))
        self._sending_since = None

    async def _read_data(self) -> None:
        # A socket that was closed here meanwhile has no number; nobody can wait for that.
        while self._socket.fileno() >= 0:
            try:
                await trio.lowlevel.wait_readable(self._socket)
                data = os.read(self._socket.fileno(), _CHUNK_BYTES)
            except BlockingIOError:
                continue
            except (OSError, ValueError, trio.ClosedResourceError):
                # The client, or another task here, has closed it.
                break
            await self.protocol.handle(RawData(data))
            if not data:
                break
        await self.protocol.handle(Closed())

    async def send_at_once(self, data: bytes) -> None:
        """Send a piece, without giving way if the kernel has room for it."""
        if not self.send_lock.locked():
            try:
                data = data[os.write(self._socket.fileno(), data) :]
            except BlockingIOError:
                pass
            except OSError:
                await self.protocol.handle(Closed())
                return
        if data:
            await self._send(data)

    async def _watch(self, watching: trio.CancelScope) -> None:
        """Close the connection if it is idle for too long, or its client stops reading."""
        patience, terminated = self.config.keep_alive_timeout, self.context.terminated
        with watching:
            while not self._is_stuck():
                since, now = self._idle_since, trio.current_time()
                # Who becomes idle from now on may be so for the whole time.
                due = patience + (now if since is None else since)
                if since is not None and (due <= now or terminated.is_set()):
                    await self._initiate_server_close()
                    return
                wait = trio.sleep_forever if terminated.is_set() else terminated.wait
                with trio.move_on_at(due):
                    await wait()
            # This wakes a task that waits there for the client to read.
            self._socket.close()

    def _is_stuck(self) -> bool:
        """Tell whether the client takes nothing of what it asked for, for too long."""
        since = self._sending_since
        now, patience = trio.current_time(), self.config.keep_alive_timeout
        return since is not None and now - since >= patience


class _Tasks(TaskGroup):
    """The tasks of a connection: one for each request."""

    def run_in(self, nursery: trio.Nursery) -> None:
        """Start them in a nursery from now on."""
        self._nursery = nursery
        self._cancelling = {"cancel": nursery.cancel_scope.cancel}

    async def spawn_app(
        self,
        app: AppWrapper,
        config: Config,
        scope: Scope,
        send: Callable[[ASGISendEvent | None], Awaitable[None]],
    ) -> Callable[[ASGIReceiveEvent], Awaitable[None]]:
        """Run the application; what it is to receive goes into what this returns."""
        if scope["type"] == "http":
            # HTTP/2 is not spoken, so no other request is under way.
            scope["extensions"][CANCEL_EXTENSION] = self._cancelling
        told, heard = _open_channel(config.max_app_queue_size)

        async def put(event: ASGIReceiveEvent) -> None:
            try:
                told.send_nowait(event)
            except trio.WouldBlock:
                await told.send(event)

        async def receive() -> ASGIReceiveEvent:
            try:
                return heard.receive_nowait()
            except trio.WouldBlock:
                return await heard.receive()

        self.spawn(
            _handle,
            app,
            config,
            scope,
            receive,
            send,
            trio.to_thread.run_sync,
            trio.from_thread.run,
        )
        return put


class _OnePieceH11(H11Protocol):
    """HTTP/1.1, a whole answer of which leaves in one piece.

    Args:
        connection: Which one.
        wrapper: Hypercorn's choice of a protocol, to which this one belongs.
    """

    def __init__(self, connection: Connection, wrapper: ProtocolWrapper) -> None:
        super().__init__(
            wrapper.app,
            wrapper.config,
            wrapper.context,
            wrapper.task_group,
            wrapper.state,
            wrapper.ssl,
            wrapper.client,
            wrapper.server,
            self._pass_on,
        )
        self._connection = connection
        self._holds = False
        self._head = b""

    async def stream_send(self, event: StreamEvent) -> None:
        """Send a part of an answer."""
        self._holds = isinstance(event, Response) and _announces_length(event)
        try:
            await super().stream_send(event)
        finally:
            self._holds = False

    async def _pass_on(self, event: Event) -> None:
        # Not `isinstance`, which is slow for abstract classes, as events are.
        if type(event) is not RawData:
            await self._connection.protocol_send(event)
        elif self._holds:
            self._head = event.data
        elif self._head:
            piece, self._head = self._head + event.data, b""
            await self._connection.send_at_once(piece)
        elif event.data:
            await self._connection.protocol_send(event)


def _announces_length(response: Response) -> bool:
    return any(name.lower() == b"content-length" for name, _ in response.headers)
