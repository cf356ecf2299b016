"""Format and size of images, from headers written by hand after their specifications."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbtools.decode.image_headers import header_of

PNG = b"\x89PNG\r\n\x1a\n"


def png(width: int, height: int) -> bytes:
    return PNG + struct.pack(">I4sIIBBBBB", 13, b"IHDR", width, height, 8, 2, 0, 0, 0)


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def jpeg(width: int, height: int, marker: int = 0xC0, before: bytes = b"") -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, 3) + bytes(9)
    return b"\xff\xd8" + segment(0xE0, b"JFIF\0") + before + segment(marker, frame)


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0)


def bmp(width: int, height: int, header: int = 40) -> bytes:
    size = struct.pack("<HH" if header == 12 else "<ii", width, height)
    return b"BM" + bytes(12) + struct.pack("<I", header) + size + bytes(24)


def webp(kind: bytes, content: bytes) -> bytes:
    chunk = kind + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def lossy(width: int, height: int) -> bytes:
    scaled = struct.pack("<HH", width | 0x4000, height | 0x8000)
    return webp(b"VP8 ", b"\x10\x02\x00\x9d\x01\x2a" + scaled)


def lossless(width: int, height: int) -> bytes:
    return webp(b"VP8L", struct.pack("<BI", 0x2F, width - 1 | (height - 1) << 14))


def extended(width: int, height: int) -> bytes:
    def three_bytes(number: int) -> bytes:
        return (number - 1).to_bytes(3, "little")

    return webp(b"VP8X", bytes(4) + three_bytes(width) + three_bytes(height))


SIZED = [
    ("png", png(640, 2**31 - 1), (640, 2**31 - 1)),
    ("jpeg", jpeg(640, 480), (640, 480)),
    ("jpeg", jpeg(3, 65535, marker=0xC2), (3, 65535)),
    ("jpeg", jpeg(5, 6, before=segment(0xC4, bytes(300)) + b"\xff\xff"), (5, 6)),
    ("gif", gif(640, 480), (640, 480)),
    ("bmp", bmp(640, 480), (640, 480)),
    ("bmp", bmp(640, -480), (640, 480)),
    ("bmp", bmp(640, 65535, header=12), (640, 65535)),
    ("webp", lossy(640, 480), (640, 480)),
    ("webp", lossless(16384, 1), (16384, 1)),
    ("webp", extended(2**24, 7), (2**24, 7)),
]


@pytest.mark.parametrize(("name", "image", "size"), SIZED)
def test_format_and_size_are_in_the_header(name: str, image: bytes, size: tuple[int, int]) -> None:
    assert header_of(memoryview(image)) == (name, size)


@pytest.mark.parametrize(("name", "image", "size"), SIZED)
def test_an_image_that_is_cut_off_never_raises(
    name: str, image: bytes, size: tuple[int, int]
) -> None:
    for length in range(len(image)):
        assert header_of(memoryview(image[:length])) in [(name, size), (name, None), (None, None)]


@pytest.mark.parametrize(
    "data", [b"", b"<svg/>", b"\x89PNG", b"RIFF\0\0\0\0WAVEfmt ", b"II*\0", bytes(100)]
)
def test_other_formats_are_unknown(data: bytes) -> None:
    assert header_of(memoryview(data)) == (None, None)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("png", PNG + b"\0\0\0\4CgBI" + bytes(20)),
        ("png", png(0, 5)),
        ("jpeg", jpeg(5, 0)),
        ("jpeg", b"\xff\xd8" + segment(0xDA, bytes(8))),
        ("jpeg", b"\xff\xd8" + b"\xff" * 100_000),
        ("bmp", b"BM" + bytes(100)),
        ("webp", webp(b"ALPH", bytes(20))),
        ("webp", webp(b"VP8 ", bytes(20))),
        ("webp", webp(b"VP8L", bytes(20))),
    ],
)
def test_a_header_without_a_size_has_none(name: str, data: bytes) -> None:
    assert header_of(memoryview(data)) == (name, None)


@given(st.sampled_from([image[:12] for _, image, _ in SIZED]), st.binary(max_size=64))
def test_no_bytes_raise(begin: bytes, rest: bytes) -> None:
    name, size = header_of(memoryview(begin + rest))
    assert name is not None
    assert size is None or (size[0] > 0 and size[1] > 0)
