"""The format of SQLite's write-ahead log, as far as copying commits out of it needs.

SQLite file format, section 4.1: a header of 32 bytes, then frames of 24 bytes and one page
each. Every frame repeats the header's salts, which change each time the log begins anew;
the last frame of a commit says how large the database is then; a running checksum chains
each frame to all before it.
"""

import struct
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

HEADER_BYTES: Final = 32
_FRAME_HEADER_BYTES: Final = 24
_LITTLE_ENDIAN: Final = 0x377F0682
_BIG_ENDIAN: Final = 0x377F0683
_WORD: Final = 0xFFFFFFFF

Pair: TypeAlias = Literal["<II", ">II"]


@dataclass(frozen=True, slots=True)
class LogHeader:
    """What the header of a log says.

    Attributes:
        salts: 8 bytes that name this beginning of the log.
        frame_bytes: Of a frame with its page.
        words: How checksums read the data.
        checksum: Of the header, from which the frames' go on.
    """

    salts: bytes
    frame_bytes: int
    words: Pair
    checksum: tuple[int, int]


def read_salts(data: bytes) -> bytes:
    """Give the salts of a log's first bytes, whatever else they say."""
    return data[16:24]


def read_header(data: bytes) -> LogHeader | None:
    """Read a log's first 32 bytes; None if no log begins so."""
    if len(data) < HEADER_BYTES:
        return None
    magic, _, page_size, _, _, _, first, second = struct.unpack_from(">8I", data)
    words: Pair = "<II" if magic == _LITTLE_ENDIAN else ">II"
    known = magic in (_LITTLE_ENDIAN, _BIG_ENDIAN)
    if not known or _checksum(data[:24], (0, 0), words) != (first, second):
        return None
    return LogHeader(
        salts=read_salts(data),
        frame_bytes=_FRAME_HEADER_BYTES + page_size,
        words=words,
        checksum=(first, second),
    )


def chained(
    data: bytes, start: int, header: LogHeader, before: tuple[int, int]
) -> tuple[int, int] | None:
    """Give the checksum of the frame at `start`, if it follows a frame with `before`."""
    frame = data[start : start + header.frame_bytes]
    if len(frame) < header.frame_bytes or frame[8:16] != header.salts:
        return None
    told = struct.unpack_from(">II", frame, 16)
    found = _checksum(frame[:8], before, header.words)
    found = _checksum(frame[_FRAME_HEADER_BYTES:], found, header.words)
    return found if found == told else None


def ends_commit(data: bytes, start: int) -> bool:
    """Whether the frame at `start` is the last one of a commit."""
    return data[start + 4 : start + 8] != b"\0\0\0\0"


def has_salts(data: bytes, start: int, salts: bytes) -> bool:
    """Whether a frame at `start` belongs to the log that begins with these salts."""
    return data[start + 8 : start + 16] == salts


def _checksum(data: bytes, before: tuple[int, int], words: Pair) -> tuple[int, int]:
    first, second = before
    for left, right in struct.iter_unpack(words, data):
        first = (first + left + second) & _WORD
        second = (second + right + first) & _WORD
    return first, second
