"""gzip and zstd copies of event files, read as if they were not packed.

A copy is unpacked forwards and in small pieces, so that it costs no more memory than a window
whatever it claims. What came before a break is given before ``broken`` says why there is no more.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from tbtools.files.storage import Source

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["UnpackedSource", "packed_with"]

GZIP_MAGIC = b"\x1f\x8b\x08"  # RFC 1952, section 2.3.1, and the one method that there is
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"  # RFC 8878, section 3.1.1
GZIP_FORMAT = 31  # zlib's window bits for it

PACKED_PIECE = 1 << 16  # bytes that are read at once
PIECE = 1 << 18  # bytes that are unpacked at once, at most
ZSTD_PIECE = 1 << 16  # fewer, because the last of them are unpacked one by one if it breaks


def packed_with(first: bytes) -> str | None:
    """The codec of a gzip or zstd copy by its first four bytes, not by its name; else None."""
    if first[:3] == GZIP_MAGIC:
        return "gzip"
    return "zstd" if first == ZSTD_MAGIC else None


class _BrokenError(Exception):
    """Nothing more can be unpacked; why."""


class _Unpacker(Protocol):
    file: _PackedFile

    def piece(self) -> bytes:
        """The next bytes; none where the copy ends now. Raises _BrokenError, again and again."""


class UnpackedSource:
    """A compressed copy, read forwards; going back means unpacking from the beginning again.

    ``first`` are bytes of the copy's beginning that were read already. ``broken`` says why nothing
    more can be unpacked, if so. If all was that the copy ended too early, and it has grown since,
    reading goes on.
    """

    def __init__(self, source: Source, codec: str, first: bytes = b"") -> None:
        self.broken: str | None = None
        self._is_cut = False
        self._source = source
        self._codec = codec
        self._begin(first)

    def _begin(self, first: bytes = b"") -> None:
        make: Callable[[_PackedFile], _Unpacker] = _Gzip if self._codec == "gzip" else _Zstd
        self._unpacker = make(_PackedFile(self._source, first))
        self._piece = memoryview(b"")
        self._offset = 0  # of the piece's first byte

    def size(self) -> int | None:
        """Unknown until the end is reached."""
        return None

    def has_broken(self, growing: bool) -> bool:
        """Whether nothing more can be unpacked, although it should. ``growing``: ever."""
        return self.broken is not None and not (growing and self._is_cut)

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fill ``buffer``; what lies before ``offset`` is unpacked and dropped."""
        if offset < self._offset:
            self._begin()
        while offset - self._offset >= len(self._piece):
            if not self._next_piece():
                return 0
        self._drop(offset - self._offset)
        filled = 0
        while filled < len(buffer) and (self._piece or self._next_piece()):
            part = self._piece[: len(buffer) - filled]
            buffer[filled : filled + len(part)] = part
            filled += len(part)
            self._drop(len(part))
        return filled

    def _drop(self, size: int) -> None:
        self._piece = self._piece[size:]
        self._offset += size

    def _next_piece(self) -> bool:
        """Unpacks what follows the piece; False if there is nothing."""
        self._drop(len(self._piece))
        try:
            self._piece = memoryview(self._unpacker.piece())
            self.broken, self._is_cut = None, False
        except _BrokenError as error:
            self.broken = f"the {self._codec} copy {error}"
            self._is_cut = self._unpacker.file.is_at_end
        return len(self._piece) > 0

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()


class _PackedFile(io.RawIOBase):
    """The packed bytes as a file object: pyarrow takes nothing else."""

    def __init__(self, source: Source, first: bytes = b"") -> None:
        self.source = source
        self.is_at_end = False  # nothing came when it was last read
        self.failure: OSError | None = None
        self._first = first
        self._offset = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._first[self._offset : self._offset + size]
        if not data:
            self._first = b""
            buffer = bytearray(size)
            try:
                count = self.source.read_into(self._offset, memoryview(buffer))
            except OSError as error:
                self.failure = error
                raise
            data = bytes(buffer[:count])
        self._offset += len(data)
        self.is_at_end = not data
        return data


class _Gzip:
    """Members one behind the other (RFC 1952), and zeros behind them, as tapes have them.

    gzip passes over other junk there, with a warning. That is a break here: it may have been a
    member.
    """

    def __init__(self, file: _PackedFile) -> None:
        self.file = file
        self._member: zlib._Decompress | None = None
        self._packed = b""
        self._broken: str | None = None

    def piece(self) -> bytes:
        while self._broken is None:
            if self._member is None and not self._begin_member():
                return b""
            assert self._member is not None
            unpacked = self._unpack(self._member)
            if self._member.eof:
                self._packed = self._member.unused_data
                self._member = None
            if unpacked:
                return unpacked
            if self._member is not None and self._broken is None and not self._packed:
                self._read_on()
        raise _BrokenError(self._broken)

    def _read_on(self) -> None:
        more = self.file.read(PACKED_PIECE)
        if not more:
            raise _BrokenError("ends too early")
        self._packed += more

    def _begin_member(self) -> bool:
        """False at the end of the copy, or if it is broken."""
        while True:
            self._packed = self._packed.lstrip(b"\0")
            if len(self._packed) >= len(GZIP_MAGIC):
                break
            if self._packed:
                self._read_on()
            elif not (more := self.file.read(PACKED_PIECE)):
                return False
            else:
                self._packed = more
        if not self._packed.startswith(GZIP_MAGIC):
            self._broken = "is followed by what is no gzip"
            raise _BrokenError(self._broken)
        self._member = zlib.decompressobj(wbits=GZIP_FORMAT)
        return True

    def _unpack(self, member: zlib._Decompress) -> bytes:
        packed, before = self._packed, member.copy()
        try:
            unpacked = member.decompress(packed, PIECE)
            self._packed = member.unconsumed_tail
        except zlib.error as error:
            self._broken = f"is broken: {error}"
            unpacked = _up_to_the_break(before, packed)
        return unpacked


def _up_to_the_break(member: zlib._Decompress, packed: bytes) -> bytes:
    """What ``packed`` gives before it breaks: zlib keeps that to itself when it fails."""

    def tried(size: int, most: int) -> bytes | None:
        try:
            return member.copy().decompress(packed[:size], most) if most else b""
        except zlib.error:
            return None

    size = _largest(len(packed), lambda size: tried(size, PIECE) is not None)
    # The byte that breaks it may still hold the end of what began before.
    most = _largest(PIECE, lambda most: tried(size + 1, most) is not None)
    return max(tried(size, PIECE) or b"", tried(size + 1, most) or b"", key=len)


def _largest(most: int, holds: Callable[[int], bool]) -> int:
    """The largest number up to ``most`` for which it holds, given that it holds for those below."""
    least = 0
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if holds(middle) else (least, middle - 1)
    return least


class _Zstd:
    """Frames one behind the other (RFC 8878), unpacked by pyarrow."""

    def __init__(self, file: _PackedFile) -> None:
        self.file = file
        self._stream = self._begin()
        self._unpacked = 0
        self._one_by_one = 0  # so many of the next bytes

    def _begin(self) -> pa.CompressedInputStream:
        import pyarrow as pa

        return pa.CompressedInputStream(pa.PythonFile(self.file, mode="r"), "zstd")

    def piece(self) -> bytes:
        if not self._one_by_one:
            try:
                return self._read(ZSTD_PIECE)
            except _BrokenError:
                # What comes before the break is lost with a call that fails: so once more up to
                # here, and on until a single byte is what fails.
                self._again()
        pieces = [self._read(1)]
        self._one_by_one -= 1
        while pieces[-1] and self._one_by_one:
            try:
                pieces.append(self._read(1))
            except _BrokenError:
                break  # the next call fails alike
            self._one_by_one -= 1
        return b"".join(pieces)

    def _again(self) -> None:
        self.file = _PackedFile(self.file.source)
        self._stream = self._begin()
        left, self._unpacked = self._unpacked, 0
        while left:
            left -= len(self._read(min(left, PIECE))) or left
        self._one_by_one = ZSTD_PIECE

    def _read(self, size: int) -> bytes:
        try:
            unpacked: bytes = self._stream.read(size)
        except OSError as error:
            if self.file.failure is not None:
                raise self.file.failure from None
            if self.file.is_at_end:
                raise _BrokenError("ends too early") from None
            raise _BrokenError(f"is broken: {error}") from None
        self._unpacked += len(unpacked)
        return unpacked
