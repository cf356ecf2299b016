"""gzip and zstd copies of event files, read as if they were not packed."""

from __future__ import annotations

import io

from tbtools.files.storage import Source

__all__ = ["UnpackedSource", "packed_with"]

GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, section 2.3.1
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"  # RFC 8878, section 3.1.1


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
