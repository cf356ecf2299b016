"""Events of a file by their offsets: what is not kept in memory is read when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tbtools.errors import DamageError
from tbtools.files.discovery import EventFile
from tbtools.files.packed import UnpackedSource, packed_with
from tbtools.files.storage import Source, read_bytes
from tbtools.output.records import masked_crc

__all__ = ["Events"]

HEADER = 12  # bytes before a record's payload
FOOTER = 4  # behind it


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
        header = read_bytes(self._source, offset, HEADER)
        if len(header) == HEADER and header[8:] == masked_crc(header[:8]):
            length = int.from_bytes(header[:8], "little")
            data = read_bytes(self._source, offset + HEADER, length + FOOTER)
            payload = data[:length]
            if data[length:] == masked_crc(payload):
                return payload
        raise DamageError(f"{self._path}: no record at offset {offset} any more")
