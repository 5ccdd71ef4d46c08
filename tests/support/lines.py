"""JSON values over a byte stream, one a line: how processes of the tests talk."""

import json
from collections.abc import AsyncIterator
from typing import Protocol

Json = dict[str, object]


class Receives(Protocol):
    """A stream of bytes."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive some bytes, none at the end."""
        ...


async def read_lines(stream: Receives) -> AsyncIterator[Json]:
    """The values, until the stream ends; what a killed process began to say is dropped."""
    rest = b""
    while data := await stream.receive_some(65536):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield json.loads(line)


def line_of(value: Json) -> bytes:
    """A value as a line."""
    return json.dumps(value).encode() + b"\n"
