"""Format and size of an image, from the first bytes of its file: nothing is decoded.

Sources: W3C PNG section 11.2, ITU-T T.81 annex B (JPEG), GIF89a section 18, Microsoft's
BITMAPFILEHEADER and BITMAPINFOHEADER, RFC 9649 (WebP).
"""

from __future__ import annotations

import struct

__all__ = ["header_of"]

Size = tuple[int, int]  # width and height, in pixels

BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)  # bytes
MOST_SEGMENTS = 1000  # of a JPEG before its size; real ones have about ten


def header_of(image: memoryview) -> tuple[str | None, Size | None]:
    """``png``, ``jpeg``, ``gif``, ``bmp`` or ``webp``, and width and height; None if unknown."""
    begin = bytes(image[:12])
    for name, magic, size in FORMATS:
        if begin.startswith(magic) and (name != "webp" or begin[8:] == b"WEBP"):
            try:
                width, height = size(image)
            except (struct.error, IndexError, ValueError):
                return name, None  # cut off, or damaged
            return name, (width, height) if width > 0 and height > 0 else None
    return None, None


def _png(image: memoryview) -> Size:
    kind, width, height = struct.unpack_from(">4sII", image, 12)
    if kind != b"IHDR":
        raise ValueError(kind)
    return width, height


def _jpeg(image: memoryview) -> Size:
    at = 2
    for _ in range(MOST_SEGMENTS):
        marker, length = struct.unpack_from(">HH", image, at)
        if marker == 0xFFFF:  # fill
            at += 1
        elif 0xFFC0 <= marker <= 0xFFCF and marker not in (0xFFC4, 0xFFC8, 0xFFCC):
            _, height, width = struct.unpack_from(">BHH", image, at + 4)
            return width, height
        elif marker < 0xFF02 or 0xFFD0 <= marker <= 0xFFDA or length < 2:
            break  # the image itself begins, or this is none
        else:
            at += 2 + length
    raise ValueError("no frame")


def _gif(image: memoryview) -> Size:
    width, height = struct.unpack_from("<HH", image, 6)
    return width, height


def _bmp(image: memoryview) -> Size:
    (length,) = struct.unpack_from("<I", image, 14)
    if length not in BMP_HEADERS:
        raise ValueError(length)
    # Of the newer headers, a negative height stands for rows from top to bottom.
    width, height = struct.unpack_from("<HH" if length == 12 else "<ii", image, 18)
    return width, abs(height)


def _webp(image: memoryview) -> Size:
    kind = bytes(image[12:16])
    if kind == b"VP8 ":
        start, width, height = struct.unpack_from("<3sHH", image, 23)
        if start != b"\x9d\x01\x2a":
            raise ValueError(start)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        signature, bits = struct.unpack_from("<BI", image, 20)
        if signature != 0x2F:
            raise ValueError(signature)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        width, width_high, height, height_high = struct.unpack_from("<HBHB", image, 24)
        return (width_high << 16 | width) + 1, (height_high << 16 | height) + 1
    raise ValueError(kind)


FORMATS = (
    ("png", b"\x89PNG\r\n\x1a\n", _png),
    ("jpeg", b"\xff\xd8\xff", _jpeg),
    ("gif", b"GIF8", _gif),
    ("webp", b"RIFF", _webp),
    ("bmp", b"BM", _bmp),
)
