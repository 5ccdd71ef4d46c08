"""What stands in a redo log: commits of many actors, as they stand in their own logs."""

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from actor_oauth.runtime.address import Address

_MAGIC: Final = b"actor redo log 1\n"
_BOOT_BYTES: Final = 36
_HEAD: Final = struct.Struct(">II")
_PLACE: Final = struct.Struct(">H8sQ")


@dataclass(frozen=True, slots=True)
class Record:
    """Commits of one actor.

    Attributes:
        address: Whose.
        salts: Of the log that they are in: another beginning of it has them no more.
        offset: Where in the log.
        data: The log's bytes from there.
    """

    address: Address
    salts: bytes
    offset: int
    data: bytes


def file_head(boot: str) -> bytes:
    """What a redo log begins with."""
    return _MAGIC + boot.encode("ascii").ljust(_BOOT_BYTES)


def boot_of(data: bytes) -> str | None:
    """In which run of the machine a redo log was written; None if this is none."""
    if not data.startswith(_MAGIC):
        return None
    return data[len(_MAGIC) :][:_BOOT_BYTES].decode("ascii", "replace").strip()


def encode(records: Iterable[Record]) -> bytes:
    """Give the bytes of some records."""
    parts: list[bytes] = []
    for record in records:
        name = str(record.address).encode("ascii")
        place = _PLACE.pack(len(name), record.salts, record.offset) + name
        checksum = zlib.crc32(record.data, zlib.crc32(place))
        parts += [_HEAD.pack(len(place) + len(record.data), checksum), place]
        parts.append(record.data)
    return b"".join(parts)


def decode(data: bytes) -> Iterator[Record]:
    """Read a redo log, up to where a crash has cut it short."""
    start = len(_MAGIC) + _BOOT_BYTES
    while len(data) >= start + _HEAD.size:
        length, checksum = _HEAD.unpack_from(data, start)
        start += _HEAD.size
        body = data[start : start + length]
        if length < _PLACE.size or zlib.crc32(body) != checksum:
            return
        name_bytes, salts, offset = _PLACE.unpack_from(body)
        name = body[_PLACE.size : _PLACE.size + name_bytes]
        yield Record(
            address=Address.parse(name.decode("ascii")),
            salts=salts,
            offset=offset,
            data=body[_PLACE.size + name_bytes :],
        )
        start += length
