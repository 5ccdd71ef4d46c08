"""A server in a thread that answers with the bytes it was given, one after the other."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

HANG_UP: Final = None
SAY_NOTHING: Final = b""

_END: Final = b"\r\n\r\n"


def reply(body: bytes = b"{}", *, status: str = "200 OK", headers: str = "") -> bytes:
    """An answer with an announced length."""
    length = f"Content-Length: {len(body)}\r\n"
    return f"HTTP/1.1 {status}\r\n{headers}{length}\r\n".encode() + body


class CannedServer:
    """The server.

    Attributes:
        url: Where it is.
        heads: Of the requests, as they came.
    """

    def __init__(
        self, listener: socket.socket, answers: Sequence[bytes | None]
    ) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.heads: list[str] = []
        self._listener = listener
        self._answers = iter(answers)
        self._open: list[socket.socket] = []

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                threading.Thread(
                    target=self._talk, args=(connection,), daemon=True
                ).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while self._take_request(connection):
                answer = next(self._answers, HANG_UP)
                if answer is HANG_UP:
                    return
                # In two pieces, so that whoever reads has to put them together.
                connection.sendall(answer[: len(answer) // 2])
                connection.sendall(answer[len(answer) // 2 :])
                if b"\r\nConnection: close\r\n" in answer:
                    return

    def _take_request(self, connection: socket.socket) -> bool:
        data = b""
        while _END not in data:
            chunk = connection.recv(65536)
            if not chunk:
                return False
            data += chunk
        head, _, body = data.partition(_END)
        text = head.decode()
        length = 0
        for line in text.split("\r\n"):
            if line.lower().startswith("content-length:"):
                length = int(line.partition(":")[2])
        while len(body) < length:
            body += connection.recv(65536)
        self.heads.append(text)
        return True

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def canned_server(*answers: bytes | None) -> Iterator[CannedServer]:
    """Serve these answers, to whoever asks first; `HANG_UP` closes instead."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = CannedServer(listener, answers)
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.close()
            thread.join(5)
