"""What may be shown as a picture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.pictures import (
    MAX_PICTURE_BYTES,
    MAX_PICTURE_SIDE,
    Picture,
    parse_picture,
)

SIDE = MAX_PICTURE_SIDE


def png(width: int, height: int) -> bytes:
    start = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
    return start + width.to_bytes(4) + height.to_bytes(4) + b"\x08\x06\x00\x00\x00rest"


def gif(width: int, height: int, version: bytes = b"GIF89a") -> bytes:
    size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    return version + size + b"rest"


def jpeg(width: int, height: int, *, frame: int = 0xC0, before: bytes = b"") -> bytes:
    size = height.to_bytes(2) + width.to_bytes(2)
    return b"\xff\xd8" + before + bytes((0xFF, frame, 0, 17, 8)) + size + b"rest"


APPLICATION_SEGMENT = b"\xff\xe0\x00\x05abc"
HUFFMAN_SEGMENT = b"\xff\xc4\x00\x05abc"


@pytest.mark.requirement("B-15")
@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (png(SIDE, 1), "image/png"),
        (gif(1, SIDE), "image/gif"),
        (gif(8, 8, b"GIF87a"), "image/gif"),
        (jpeg(8, 9), "image/jpeg"),
        (jpeg(8, 9, frame=0xC2, before=APPLICATION_SEGMENT), "image/jpeg"),
        (jpeg(8, 9, before=APPLICATION_SEGMENT + HUFFMAN_SEGMENT), "image/jpeg"),
    ],
)
def test_small_pictures_are_known_by_their_bytes(body: bytes, media_type: str) -> None:
    assert parse_picture(body) == Picture(body=body, media_type=media_type)


@pytest.mark.requirement("B-15")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html>",
        png(SIDE + 1, 1),
        png(0, 1),
        png(8, 8)[:20],
        gif(1, SIDE + 1),
        gif(1, 0),
        gif(1, 1)[:9],
        jpeg(SIDE + 1, 1),
        jpeg(8, 8)[:8],
        b"\xff\xd8" + APPLICATION_SEGMENT,
        b"\xff\xd8not a segment",
        png(8, 8) + bytes(MAX_PICTURE_BYTES),
    ],
)
def test_anything_else_is_not_shown(body: bytes) -> None:
    assert parse_picture(body) is None


@given(st.binary(max_size=64), st.sampled_from((b"", b"\xff\xd8", b"GIF89a")))
def test_any_bytes_are_judged(body: bytes, start: bytes) -> None:
    picture = parse_picture(start + body)
    assert picture is None or picture.body == start + body
