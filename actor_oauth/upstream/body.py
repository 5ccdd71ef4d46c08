"""A response's body within a limit, whatever length it declares."""

import zlib
from collections.abc import AsyncIterable

_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class TooLargeError(Exception):
    """The body, decoded, is longer than the limit."""


class UndecodableError(Exception):
    """The body's encoding is unknown, or it is damaged."""


async def read_body(
    chunks: AsyncIterable[bytes], *, encoding: str | None, limit: int
) -> bytes:
    """Read a body of at most `limit` bytes.

    What is decoded is never more than one byte longer than the limit, so that a small
    compressed body cannot become a large one in memory.

    Args:
        chunks: As they come from the connection.
        encoding: The value of `Content-Encoding`, or None.
        limit: In decoded bytes.

    Raises:
        TooLargeError: There is more.
        UndecodableError: The encoding is neither identity nor gzip, or is broken.
    """
    name = (encoding or "identity").strip().lower()
    if name == "identity":
        return await _read_plain(chunks, limit)
    if name in ("gzip", "x-gzip"):
        return await _read_gzip(chunks, limit)
    raise UndecodableError(name)


async def _read_plain(chunks: AsyncIterable[bytes], limit: int) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise TooLargeError
    return bytes(body)


async def _read_gzip(chunks: AsyncIterable[bytes], limit: int) -> bytes:
    inflater = zlib.decompressobj(_GZIP_WINDOW)
    body = bytearray()
    async for chunk in chunks:
        try:
            body += inflater.decompress(chunk, limit + 1 - len(body))
        except zlib.error as error:
            raise UndecodableError("gzip") from error
        if len(body) > limit:
            raise TooLargeError
    if not inflater.eof or inflater.unused_data:
        raise UndecodableError("gzip")
    return bytes(body)
