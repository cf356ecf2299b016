"""Files that grow: whether one goes on where it ended when it was last read, and how.

Nothing is asked of the system but ``stat`` and reading, so that network file systems do as well.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

from tbtools.files.discovery import EventFile
from tbtools.files.health import Damage, FileHealth
from tbtools.files.storage import Entry, Source, Stamp, Storage, read_bytes

__all__ = ["ReaderState", "Seen", "SummedStorage", "difference"]

ENDS = 256  # bytes that are kept of the beginning and the end: a few records
PIECE = 1 << 20


@dataclass
class ReaderState:
    """What an EventReader needs to go on behind what it has read."""

    offset: int
    resume: int
    codec: str | None
    lost: tuple[int, str] | None
    open: list[Damage]
    metadata: dict[str, bytes]
    health: FileHealth


@dataclass
class Seen:
    """What was read of a file: its first ``end`` bytes, of which there is the CRC-32.

    Who passes over large records reads further than that: ``last`` are the bytes before
    ``furthest``.
    """

    end: int = 0
    sum: int = 0
    furthest: int = 0
    first: bytes = b""
    last: bytes = b""

    @classmethod
    def of(cls, data: memoryview) -> Seen:
        """Of a file that was read whole."""
        end = len(data)
        return cls(end, zlib.crc32(data), end, bytes(data[:ENDS]), bytes(data[-ENDS:]))

    def add(self, offset: int, data: memoryview) -> None:
        """Take in what was read at an offset."""
        behind = offset + len(data)
        if offset <= self.end < behind:
            fresh = data[self.end - offset :]
            self.sum = zlib.crc32(fresh, self.sum)
            self.end = behind
            if len(self.first) < ENDS:
                self.first += bytes(fresh[: ENDS - len(self.first)])
        if behind > self.furthest:
            before = self.last if offset <= self.furthest else b""
            fresh = data[max(self.furthest - offset, 0) :]
            self.last = (before + bytes(fresh[-ENDS:]))[-ENDS:]
            self.furthest = behind


@dataclass
class SummedStorage:
    """A storage that notes in ``seen`` what is read of the one file that is opened there."""

    storage: Storage
    seen: Seen = field(default_factory=Seen)

    def entry(self, path: str) -> Entry | None:
        """What is at ``path``."""
        return self.storage.entry(path)

    def entries(self, path: str) -> list[Entry]:
        """What a folder holds."""
        return self.storage.entries(path)

    def stamp(self, path: str) -> Stamp | None:
        """What tells whether a file was written to."""
        return self.storage.stamp(path)

    def open(self, path: str) -> Source:
        """A file's bytes."""
        return _Summed(self.storage.open(path), self.seen)

    def read_many(self, files: Sequence[tuple[str, int]], buffer: bytearray) -> list[bool]:
        """The first bytes of small files, of which nothing is noted."""
        return self.storage.read_many(files, buffer)


class _Summed:
    def __init__(self, source: Source, seen: Seen) -> None:
        self._source = source
        self._seen = seen

    def size(self) -> int | None:
        return self._source.size()

    def read_into(self, offset: int, buffer: memoryview) -> int:
        count = self._source.read_into(offset, buffer)
        with buffer[:count] as data:
            self._seen.add(offset, data)
        return count

    def close(self) -> None:
        self._source.close()


def difference(file: EventFile, stamp: Stamp, before: Stamp, seen: Seen) -> str | None:
    """Why a file is another than the one that was seen; None if it goes on. Raises OSError.

    ``stamp`` is that of now. Of the same inode with more bytes, both ends of what was read are
    compared; else all that was read is read again.
    """
    if stamp.size < max(seen.furthest, before.size):
        return f"it is shorter than it was, {stamp.size:,} bytes instead of {before.size:,}"
    with closing(file.storage.open(file.path)) as source:
        begin = seen.furthest - len(seen.last)
        if read_bytes(source, 0, len(seen.first)) != seen.first:
            return "it begins otherwise than before"
        if read_bytes(source, begin, len(seen.last)) != seen.last:
            return "what stands where it ended is not what was read there"
        if stamp.identity == before.identity and stamp.size > before.size:
            return None
        now = Seen()
        buffer = memoryview(bytearray(min(PIECE, max(seen.end, 1))))
        while now.end < seen.end:
            wanted = buffer[: seen.end - now.end]
            count = source.read_into(now.end, wanted)
            if not count:
                break
            now.add(now.end, wanted[:count])
        return (
            None
            if (now.end, now.sum) == (seen.end, seen.sum)
            else "it is another file, or was written anew"
        )
