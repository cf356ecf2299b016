"""Events of a file by their offsets: what is not kept in memory is read when it is asked for."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from tbtools import _core
from tbtools.errors import DamageError
from tbtools.files.discovery import EventFile
from tbtools.files.packed import UnpackedSource, packed_with
from tbtools.files.storage import Source

__all__ = ["Events"]

HEADER = 12  # bytes before a record's payload
FOOTER = 4  # behind it
PIECE = 1 << 20  # bytes of a record that are believed to be there at once


class Events:
    """The events of one file. Of a compressed copy, offsets are best asked for as they ascend."""

    def __init__(self, path: str, source: Source) -> None:
        self._path = path
        self._source = source

    @classmethod
    @contextmanager
    def of(cls, file: EventFile) -> Iterator[Events]:
        """Opens a file. Raises OSError."""
        source = file.storage.open(file.path)
        try:
            first = bytearray(4)
            source.read_into(0, memoryview(first))
            codec = packed_with(bytes(first))
            yield cls(file.path, UnpackedSource(source, codec) if codec else source)
        finally:
            source.close()

    def at(self, offset: int) -> bytes:
        """The event whose record begins there, serialised.

        Raises DamageError if there is none, or not with the CRCs that it has to have: the file has
        been changed since it was read.
        """
        header = self._read(offset, HEADER)
        if len(header) == HEADER:
            (length, crc) = struct.unpack("<QI", header)
            if _masked(header[:8]) == crc:
                data = self._read(offset + HEADER, length + FOOTER)
                if len(data) == length + FOOTER:
                    payload = data[:length]
                    if struct.pack("<I", _masked(payload)) == data[length:]:
                        return payload
        raise DamageError(f"{self._path}: no record at offset {offset} any more")

    def _read(self, offset: int, size: int) -> bytes:
        """So many bytes, or fewer at the end of the file."""
        parts: list[bytes] = []
        while size > 0:
            piece = bytearray(min(size, PIECE))
            count = self._source.read_into(offset, memoryview(piece))
            if not count:
                break
            parts.append(bytes(piece[:count]) if count < len(piece) else bytes(piece))
            offset += count
            size -= count
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _masked(data: bytes) -> int:
    """The CRC-32C of a TFRecord (docs/format.md, "Records")."""
    crc = _core.crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
