"""Where bytes come from: folders and files behind one small interface.

Nothing above this module assumes a local path. A source is read at offsets, never mapped into
memory: a log that is cut short while it is being read must not kill the process.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple, Protocol

from tbtools import _core

__all__ = [
    "EMPTY",
    "LOCAL",
    "BoundedSource",
    "Entry",
    "LocalStorage",
    "Source",
    "Stamp",
    "Storage",
    "read_bytes",
    "read_each",
]


PIECE = 1 << 20  # bytes that are believed to be there at once


class Entry(NamedTuple):
    """One name in a folder. ``identity`` is equal for two paths that lead to the same thing."""

    name: str
    path: str
    is_folder: bool
    is_link: bool
    size: int
    identity: object


class Stamp(NamedTuple):
    """What a file system tells of a file without reading it: equal as long as nobody writes to it.

    ``time`` is when it was last written to, in nanoseconds.
    """

    identity: object
    size: int
    time: int


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

    def stamp(self, path: str) -> Stamp | None:
        """What tells whether a file was written to; None if there is none."""

    def open(self, path: str) -> Source:
        """A file's bytes. Raises OSError if it cannot be read."""

    def read_many(self, files: Sequence[tuple[str, int]], buffer: bytearray) -> list[bool]:
        """Fill ``buffer`` with the first bytes of small files, given as (path, size), one behind
        the other; whether it got all of each. ``read_each`` does it with ``open``.
        """


def read_bytes(source: Source, offset: int, size: int) -> bytes:
    """The bytes at an offset; fewer at the end of the file.

    ``size`` may be what a damaged file claims: no more memory is taken than there are bytes.
    """
    parts: list[bytes] = []
    while size > 0:
        piece = bytearray(min(size, PIECE))
        count = source.read_into(offset, memoryview(piece))
        if not count:
            break
        parts.append(bytes(memoryview(piece)[:count]))
        offset += count
        size -= count
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read_each(storage: Storage, files: Sequence[tuple[str, int]], buffer: bytearray) -> list[bool]:
    """``Storage.read_many`` for a storage that has no faster way."""
    got: list[bool] = []
    begin = 0
    with memoryview(buffer) as whole:
        for path, size in files:
            with whole[begin : begin + size] as room:
                got.append(_read_whole(storage, path, room))
            begin += size
    return got


def _read_whole(storage: Storage, path: str, room: memoryview) -> bool:
    try:
        source = storage.open(path)
    except OSError:
        return False
    done = 0
    try:
        while done < len(room) and (count := source.read_into(done, room[done:])):
            done += count
    except OSError:
        return False
    finally:
        source.close()
    return done == len(room)


class LocalStorage:
    """The machine's own files."""

    def entry(self, path: str) -> Entry | None:
        """What is at ``path``."""
        try:
            return _entry(os.path.basename(path), path, os.stat(path), os.path.islink(path))
        except (OSError, ValueError):  # the latter for a NUL in the path
            return None

    def entries(self, path: str) -> list[Entry]:
        """What a folder holds. A folder that may not be listed raises OSError."""
        found = _native_entries(path) if _core.reads_files else _scanned_entries(path)
        if len(found) > 1:
            found.sort(key=attrgetter("name"))
        return found

    def stamp(self, path: str) -> Stamp | None:
        """What tells whether a file was written to."""
        try:
            status = os.stat(path)
        except OSError:
            return None
        return Stamp(_identity(status, path), status.st_size, status.st_mtime_ns)

    def open(self, path: str) -> Source:
        """A file's bytes."""
        return _LocalSource(path)

    def read_many(self, files: Sequence[tuple[str, int]], buffer: bytearray) -> list[bool]:
        """The first bytes of small files, in one call of the core where it can."""
        if not _core.reads_files:
            return read_each(self, files, buffer)
        return _core.read_files([(os.fsencode(path), size) for path, size in files], buffer)


LOCAL = LocalStorage()


def _entry(name: str, path: str, status: os.stat_result, is_link: bool) -> Entry:
    is_folder = stat.S_ISDIR(status.st_mode)
    return Entry(name, path, is_folder, is_link, status.st_size, _identity(status, path))


def _identity(status: os.stat_result, path: str) -> object:
    # Windows gives no inode for a listed item; there the path has to do.
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)


def _native_entries(path: str) -> list[Entry]:
    folder = path if path.endswith("/") else path + "/"
    found = []
    for raw, is_folder, is_link, size, identity in _core.list_folder(os.fsencode(path)):
        name = os.fsdecode(raw)
        found.append(Entry(name, folder + name, is_folder, is_link, size, identity))
    return found


def _scanned_entries(path: str) -> list[Entry]:
    found = []
    with os.scandir(path) as listing:
        for item in listing:
            try:
                found.append(_entry(item.name, item.path, item.stat(), item.is_symlink()))
            except OSError:
                continue  # a dangling link, a loop of links, or gone since it was listed
    return found


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


class BoundedSource:
    """The first bytes of a source, as if it ended there: it may have grown since it was listed."""

    def __init__(self, source: Source, end: int) -> None:
        self._source = source
        self._end = end

    def size(self) -> int | None:
        """Bytes up to the bound, or fewer if the source holds fewer."""
        size = self._source.size()
        return None if size is None else min(size, self._end)

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fill ``buffer`` with the bytes from ``offset`` on; none behind the bound."""
        left = max(0, self._end - offset)
        if len(buffer) <= left:
            return self._source.read_into(offset, buffer)
        with buffer[:left] as within:
            return self._source.read_into(offset, within) if left else 0

    def close(self) -> None:
        """Let go of the source."""
        self._source.close()


class _NoSource:
    def size(self) -> int | None:
        return 0

    def read_into(self, offset: int, buffer: memoryview) -> int:
        return 0

    def close(self) -> None:
        pass


EMPTY: Source = _NoSource()
