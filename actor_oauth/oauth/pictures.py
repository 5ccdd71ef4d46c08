"""Which bytes from the web may be shown as a picture on a page of ours (B-15).

Only pure image formats are accepted: an SVG is a document with scripts and links. And
only small images, including once they are decoded: 64 KiB can hold an image that takes
gigabytes in the browser of the user who is asked.
"""

from dataclasses import dataclass, field
from typing import Final

MAX_PICTURE_BYTES: Final = 64 * 1024
MAX_PICTURE_SIDE: Final = 1024
"""Pixels."""

_PNG: Final = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_GIF: Final = (b"GIF87a", b"GIF89a")
_JPEG: Final = b"\xff\xd8"

# Frame headers of JPEG hold the size. C4, C8 and CC among them are other segments.
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image that may be shown.

    Attributes:
        body: The bytes.
        media_type: What they really are.
    """

    body: bytes = field(repr=False)
    media_type: str


def parse_picture(body: bytes) -> Picture | None:
    """Recognise a picture by its bytes; None if it is none, or too large to be shown."""
    if len(body) > MAX_PICTURE_BYTES:
        return None
    for media_type, size in (
        ("image/png", _png_size(body)),
        ("image/gif", _gif_size(body)),
        ("image/jpeg", _jpeg_size(body)),
    ):
        if size is not None and all(0 < side <= MAX_PICTURE_SIDE for side in size):
            return Picture(body=body, media_type=media_type)
    return None


def _png_size(body: bytes) -> tuple[int, int] | None:
    start = len(_PNG)
    if not body.startswith(_PNG) or len(body) < start + 8:
        return None
    return int.from_bytes(body[start : start + 4]), int.from_bytes(
        body[start + 4 : start + 8]
    )


def _gif_size(body: bytes) -> tuple[int, int] | None:
    if not body.startswith(_GIF) or len(body) < 10:
        return None
    return int.from_bytes(body[6:8], "little"), int.from_bytes(body[8:10], "little")


def _jpeg_size(body: bytes) -> tuple[int, int] | None:
    if not body.startswith(_JPEG):
        return None
    at = len(_JPEG)
    while at + 9 <= len(body) and body[at] == 0xFF:
        marker, length = body[at + 1], int.from_bytes(body[at + 2 : at + 4])
        if marker in _JPEG_FRAMES:
            height = int.from_bytes(body[at + 5 : at + 7])
            return int.from_bytes(body[at + 7 : at + 9]), height
        at += 2 + length
    return None
