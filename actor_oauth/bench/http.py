"""HTTP/1.1 as bytes: requests rendered once, answers read as they arrive.

A client library costs more than the servers that are measured here. This one knows
announced lengths and chunks, and follows no redirects.
"""

import json
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlencode, urlsplit

from actor_oauth.oauth.json_values import Json

NO_ANSWER: Final = 0
"""Stands for no response, or one that is not HTTP."""

_END: Final = b"\r\n\r\n"
_FORM: Final = "application/x-www-form-urlencoded"
_BODILESS: Final = frozenset({204, 304})


class MalformedAnswerError(Exception):
    """What arrived is not an HTTP/1.1 answer."""


class Origin(NamedTuple):
    """Where connections go."""

    scheme: str
    host: str
    port: int


class Request(NamedTuple):
    """A whole request, ready to be sent any number of times.

    Attributes:
        origin: Where to.
        data: Every byte of it.
    """

    origin: Origin
    data: bytes


class Answer(NamedTuple):
    """What came back; times are seconds of the machine's monotonic clock.

    Attributes:
        status: `NO_ANSWER` if there is none.
        head: As it came; what went wrong, if there is no answer.
        body: Without chunks.
        sent: When the request was handed to the kernel.
        received: When the last byte was read, or the wait was over.
    """

    status: int
    head: bytes
    body: bytes
    sent: float
    received: float

    @property
    def is_good(self) -> bool:
        """Whether the status says that it worked."""
        return 200 <= self.status < 300

    @property
    def kind(self) -> str:
        """The status, with the error code if it has one."""
        if self.status == NO_ANSWER:
            return "no answer"
        error = self.members().get("error")
        return str(self.status) if error is None else f"{self.status} {error}"

    @property
    def told(self) -> str:
        """The kind, with the reason if there is no answer."""
        if self.status == NO_ANSWER:
            return f"{self.kind}: {self.head.decode(errors='replace')}"
        return self.kind

    def members(self) -> Mapping[str, Json]:
        """The members of a JSON object in the body; none if it is anything else."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def text(self, name: str) -> str:
        """A member of the body that is a text; empty if there is none."""
        value = self.members().get(name)
        return value if isinstance(value, str) else ""

    def header(self, name: str) -> str:
        """A header's first value; empty without one."""
        start = self.head.lower().find(f"\r\n{name.lower()}:".encode())
        if start < 0:
            return ""
        start += len(name) + 3
        return self.head[start : self.head.find(b"\r\n", start)].decode().strip()


class AnswerReader:
    """Puts answers together from what a connection gives.

    Attributes:
        closes: Whether the server hangs up after the answer that was just read.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self.closes = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing of an answer has arrived."""
        return not self._buffer

    def feed(self, data: bytes) -> tuple[int, bytes, bytes] | None:
        """Take in what arrived.

        Returns:
            Status, head and body of an answer that is now complete.

        Raises:
            MalformedAnswerError: It is no answer.
        """
        buffer = self._buffer = self._buffer + data if self._buffer else data
        end = buffer.find(_END)
        if end < 0:
            return None
        lower = buffer[: end + 2].lower()
        try:
            status = int(lower[9:12])
            if 100 <= status < 200:
                self._buffer = b""
                return self.feed(buffer[end + 4 :])
            body, rest = _body(lower, status, buffer, end + 4)
        except ValueError as error:
            raise MalformedAnswerError(repr(buffer[:80])) from error
        if body is None:
            return None
        self._buffer = rest
        self.closes = b"\r\nconnection: close\r\n" in lower or lower.startswith(
            b"http/1.0"
        )
        return status, buffer[: end + 2], body

    def finish(self) -> tuple[int, bytes, bytes] | None:
        """The server hung up: give the answer whose body ends there, if one does."""
        end = self._buffer.find(_END)
        if end < 0:
            return None
        head = self._buffer[: end + 2]
        lower = head.lower()
        if b"\r\ncontent-length:" in lower or b"\r\ntransfer-encoding:" in lower:
            return None
        self.closes = True
        return int(head[9:12]), head, self._buffer[end + 4 :]


def _body(
    head: bytes, status: int, buffer: bytes, start: int
) -> tuple[bytes | None, bytes]:
    """The body that begins at `start`, None while it is incomplete, and what follows."""
    at = head.find(b"\r\ncontent-length:")
    if at >= 0:
        end = start + int(head[at + 17 : head.find(b"\r\n", at + 2)])
        return (buffer[start:end], buffer[end:]) if len(buffer) >= end else (None, b"")
    if status in _BODILESS:
        return b"", buffer[start:]
    if b"\r\ntransfer-encoding: chunked\r\n" in head:
        return _chunked(buffer, start)
    return None, b""


def _chunked(buffer: bytes, start: int) -> tuple[bytes | None, bytes]:
    parts: list[bytes] = []
    while (line := buffer.find(b"\r\n", start)) >= 0:
        size = int(buffer[start:line].partition(b";")[0], 16)
        end = line + 2 + size
        if len(buffer) < end + 2:
            break
        if size == 0:
            return b"".join(parts), buffer[end + 2 :]
        parts.append(buffer[line + 2 : end])
        start = end + 2
    return None, b""


def origin_of(url: str) -> Origin:
    """Where the connections for a URL go.

    Raises:
        ValueError: It is not an absolute `http` or `https` URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not a web address: {url!r}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Origin(parts.scheme, parts.hostname, port)


def render(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Request:
    """Render a request.

    Args:
        method: The verb.
        url: Absolute.
        headers: Besides `Host` and the length.
        body: Sent with its length, if there is one or the verb is POST.
    """
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body or method in ("POST", "PUT"):
        lines.append(f"Content-Length: {len(body)}")
    return Request(origin_of(url), "\r\n".join([*lines, "", ""]).encode() + body)


def render_form(
    url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> Request:
    """Render a POST of a form."""
    return render(
        "POST",
        url,
        headers={"Content-Type": _FORM, **(headers or {})},
        body=urlencode(fields).encode(),
    )


def render_json(
    url: str, members: Mapping[str, Json], headers: Mapping[str, str] | None = None
) -> Request:
    """Render a POST of a JSON object."""
    return render(
        "POST",
        url,
        headers={"Content-Type": "application/json", **(headers or {})},
        body=json.dumps(members).encode(),
    )
