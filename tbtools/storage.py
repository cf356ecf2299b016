"""Where bytes come from: folders and files behind one small interface.

Nothing above this module assumes a local path. A source is read at offsets, never mapped into
memory: a log that is cut short while it is being read must not kill the process.
"""

from __future__ import annotations

import io
import os
import stat
from dataclasses import dataclass
from typing import Protocol

__all__ = [
    "EMPTY",
    "LOCAL",
    "Entry",
    "LocalStorage",
    "Source",
    "Storage",
    "UnpackedSource",
    "packed_with",
]

GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, section 2.3.1
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"  # RFC 8878, section 3.1.1


@dataclass(frozen=True)
class Entry:
    """One name in a folder. ``identity`` is equal for two paths that lead to the same thing."""

    name: str
    path: str
    is_folder: bool
    is_link: bool
    size: int
    identity: object


class Source(Protocol):
    """The bytes of one file. It may grow while it is open."""

    def size(self) -> int | None:
        """Bytes that it holds now; None if only reading to its end will tell."""

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fill ``buffer`` with the bytes from ``offset`` on; none only at the end of the file."""

    def close(self) -> None:
        """Let go of it. May be called twice."""


class Storage(Protocol):
    """A file system. Paths are its own affair; they are joined by listing, not by string work."""

    def entry(self, path: str) -> Entry | None:
        """What is at ``path``, links followed; None if there is nothing."""

    def entries(self, path: str) -> list[Entry]:
        """What a folder holds, sorted by name, links followed; dangling ones left out."""

    def open(self, path: str) -> Source:
        """A file's bytes. Raises OSError if it cannot be read."""


class LocalStorage:
    """The machine's own files."""

    def entry(self, path: str) -> Entry | None:
        """What is at ``path``."""
        try:
            return _entry(os.path.basename(path), path, os.stat(path), os.path.islink(path))
        except OSError:
            return None

    def entries(self, path: str) -> list[Entry]:
        """What a folder holds. A folder that may not be listed raises OSError."""
        found = []
        with os.scandir(path) as listing:
            for item in listing:
                try:
                    found.append(_entry(item.name, item.path, item.stat(), item.is_symlink()))
                except OSError:
                    continue  # a dangling link, a loop of links, or gone since it was listed
        return sorted(found, key=lambda entry: entry.name)

    def open(self, path: str) -> Source:
        """A file's bytes."""
        return _LocalSource(path)


LOCAL = LocalStorage()


def _entry(name: str, path: str, status: os.stat_result, is_link: bool) -> Entry:
    # Windows gives no inode for a listed item; there the path has to do.
    identity = (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)
    return Entry(name, path, stat.S_ISDIR(status.st_mode), is_link, status.st_size, identity)


class _LocalSource:
    """Few system calls: each of them lets go of Python's lock, which then has to be had again."""

    def __init__(self, path: str) -> None:
        self._file: int | None = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))

    def size(self) -> int | None:
        return os.fstat(self._number()).st_size

    def read_into(self, offset: int, buffer: memoryview) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._number(), [buffer], offset)
        os.lseek(self._number(), offset, os.SEEK_SET)
        data = os.read(self._number(), len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _number(self) -> int:
        if self._file is None:
            raise ValueError("the file is closed")
        return self._file

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


class _NoSource:
    def size(self) -> int | None:
        return 0

    def read_into(self, offset: int, buffer: memoryview) -> int:
        return 0

    def close(self) -> None:
        pass


EMPTY: Source = _NoSource()


def packed_with(first: bytes) -> str | None:
    """The codec of a gzip or zstd copy by its first four bytes, not by its name; else None."""
    if first[:2] == GZIP_MAGIC:
        return "gzip"
    return "zstd" if first == ZSTD_MAGIC else None


class _Stream(io.RawIOBase):
    """A source as the file object that pyarrow reads from."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._offset = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        buffer = bytearray(size)
        count = self._source.read_into(self._offset, memoryview(buffer))
        self._offset += count
        return bytes(buffer[:count])


class UnpackedSource:
    """A compressed copy, read forwards; going back means unpacking from the beginning again.

    ``broken`` says why the stream ended before its end, if it did.
    """

    def __init__(self, source: Source, codec: str) -> None:
        self._source = source
        self._codec = codec
        self._restart()

    def _restart(self) -> None:
        import pyarrow as pa

        raw = pa.PythonFile(_Stream(self._source), mode="r")
        self._stream = pa.CompressedInputStream(raw, self._codec)
        self._offset = 0
        self.broken: str | None = None

    def size(self) -> int | None:
        """Unknown until the end is reached."""
        return None

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fill ``buffer``; what lies before ``offset`` is unpacked and dropped."""
        if offset < self._offset:
            self._restart()
        while self._offset < offset:
            piece = self._read(min(offset - self._offset, 1 << 20))
            if not piece:
                return 0
        filled = 0
        while filled < len(buffer):
            piece = self._read(len(buffer) - filled)
            if not piece:
                break
            buffer[filled : filled + len(piece)] = piece
            filled += len(piece)
        return filled

    def _read(self, size: int) -> bytes:
        if self.broken is not None:
            return b""
        offset = self._offset
        try:
            piece: bytes = self._stream.read(size)
        except OSError as error:
            # The bytes that came before the break are lost with a failed call, so the stretch is
            # read again in ever smaller pieces until a single byte is what fails.
            if size == 1:
                self.broken = f"the {self._codec} stream is broken: {error}"
                return b""
            self._restart()
            while self._offset < offset:
                self._offset += len(self._stream.read(offset - self._offset))
            return self._read(max(1, size // 16))
        self._offset += len(piece)
        return piece

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()
