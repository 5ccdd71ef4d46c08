"""The least of an HTTP/1.1 client: one keep-alive connection, whole answers only.

A full client library costs more than the servers that are measured here. This one does
no more than the servers under test require: announced lengths, no chunks, no redirects.
"""

from dataclasses import dataclass

import trio


class ConnectionBrokenError(Exception):
    """The server hung up, or said something that this client does not understand."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole answer; the head is as it came."""

    status: int
    head: bytes
    body: bytes

    @property
    def is_last(self) -> bool:
        """Whether the server closes the connection after this answer."""
        return b"\r\nconnection: close\r\n" in self.head.lower()


class HttpConnection:
    """A keep-alive connection that sends one prepared request after the other.

    Args:
        stream: Connected, and used by nobody else.
    """

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._buffer = bytearray()

    @classmethod
    async def open(cls, host: str, port: int) -> "HttpConnection":
        """Connect."""
        return cls(await trio.open_tcp_stream(host, port))

    async def aclose(self) -> None:
        """Hang up."""
        await self._stream.aclose()

    async def ask(self, request: bytes) -> HttpAnswer:
        """Send a whole request and take the whole answer.

        Raises:
            ConnectionBrokenError: There is no answer, or not in the expected form.
        """
        await self._stream.send_all(request)
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            await self._receive()
        head = bytes(self._buffer[: end + 2])
        length = _content_length(head)
        while len(self._buffer) < end + 4 + length:
            await self._receive()
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        return HttpAnswer(int(head[9:12]), head, body)

    async def _receive(self) -> None:
        try:
            data = await self._stream.receive_some(65536)
        except trio.BrokenResourceError as error:
            raise ConnectionBrokenError("the connection broke") from error
        if not data:
            raise ConnectionBrokenError("the server hung up before answering")
        self._buffer += data


def _content_length(head: bytes) -> int:
    start = head.lower().find(b"\r\ncontent-length:")
    if start < 0:
        if head[9:12] in (b"204", b"304"):
            return 0
        raise ConnectionBrokenError("an answer without an announced length")
    return int(head[start + 17 : head.find(b"\r\n", start + 2)])


def render_request(
    method: str,
    target: str,
    host: str,
    *,
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> bytes:
    """Render a whole request once, to be sent many times.

    Args:
        method: The verb.
        target: Path and query.
        host: Value of `Host`.
        headers: Further header lines.
        body: Sent with its length, if there is one or the verb is POST.
    """
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
