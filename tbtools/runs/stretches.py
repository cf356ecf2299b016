"""The damaged stretches of a file as columns: joined where they adjoin, zeros in them found.

A file may have as many of them as bytes, nearly. So they are not objects, and they are handed on
while the file is read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from tbtools import _core
from tbtools.files.discovery import EventFile
from tbtools.files.health import DAMAGES, Damage, FileHealth
from tbtools.files.packed import UnpackedSource, packed_with
from tbtools.files.storage import BoundedSource, Source

__all__ = ["KINDS", "STRETCHES", "WatchedHealth", "Zeros", "joined"]

KINDS = tuple(DAMAGES)

#: Offsets and sizes are in bytes; ``records`` is how many damages a stretch is made of.
STRETCHES = pa.schema(
    [
        ("offset", pa.int64()),
        ("size", pa.int64()),
        ("kind", pa.int8()),  # its place in KINDS
        ("records", pa.int64()),
    ]
)

BLOCK = 1 << 20  # bytes that are searched at once


@dataclass
class WatchedHealth(FileHealth):
    """A health that keeps all damages, not only the first, until they are taken."""

    _parts: list[pa.RecordBatch] = field(default_factory=list)

    def add(self, damage: Damage) -> None:
        """Count a damaged stretch."""
        super().add(damage)
        self._keep([damage.offset], [damage.size], [KINDS.index(damage.kind)])

    def add_all(self, damages: pa.RecordBatch, size: int) -> None:
        """Count damaged stretches."""
        super().add_all(damages, size)
        kind = damages["kind"]
        places = [KINDS.index(name) for name in kind.dictionary.to_pylist()]
        kinds = pa.array(places, pa.int8()).take(kind.indices)
        self._keep(damages["offset"], damages["size"], kinds)

    def _keep(self, *columns: object) -> None:
        count = len(columns[0])  # type: ignore[arg-type]
        records = pa.repeat(pa.scalar(1, pa.int64()), count)
        self._parts.append(pa.record_batch([*columns, records], schema=STRETCHES))

    def take(self) -> pa.RecordBatch:
        """What was added since it was taken before."""
        parts, self._parts = self._parts, []
        return pa.concat_batches(parts) if parts else pa.RecordBatch.from_pylist([], STRETCHES)


def joined(stretches: pa.RecordBatch) -> pa.RecordBatch:
    """Those of one kind that adjoin as one. They are in the order of their file."""
    count = stretches.num_rows
    if count < 2:
        return stretches
    offset, size, kind, records = stretches.columns
    end = pc.add(offset, size)
    adjoins = pc.and_(
        pc.equal(offset.slice(1), end.slice(0, count - 1)),
        pc.equal(kind.slice(1), kind.slice(0, count - 1)),
    )
    starts = pa.concat_arrays([pa.array([True]), pc.invert(adjoins)])
    first = pc.indices_nonzero(starts).cast(pa.int64())
    last = pa.concat_arrays([pc.subtract(first.slice(1), 1), pa.array([count - 1], pa.int64())])
    begin = offset.take(first)
    total = pc.cumulative_sum(records)
    before = pc.subtract(total.take(first), records.take(first))
    return pa.record_batch(
        [
            begin,
            pc.subtract(end.take(last), begin),
            kind.take(first),
            pc.subtract(total.take(last), before),
        ],
        schema=STRETCHES,
    )


class Zeros:
    """Finds zeros in stretches of a file, which are asked for in its order.

    The file is read once more for it, but only where it is damaged.
    """

    def __init__(self, file: EventFile) -> None:
        self._file = file
        self._source: Source | None = None
        self._buffer = bytearray()
        self._begin = self._end = 0  # of what the buffer has

    def filled(self, stretches: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
        """Of the stretches (offset, size), those of which half or more is one run of zeros.

        Number, and offset and size of the run. What cannot be read any more has none.
        """
        ends = [offset + size for offset, size in stretches]
        at = 0
        while at < len(stretches):
            offset, size = stretches[at]
            if size > BLOCK:
                begin, count = self._longest(offset, size)
                if 2 * count >= size:
                    yield at, begin, count
                at += 1
                continue
            self._hold(offset, offset + size)
            until = max(at + 1, bisect_right(ends, self._end, at))
            within = stretches[at:until]
            if ends[until - 1] <= self._end:
                places = [(offset - self._begin, size) for offset, size in within]
                for number, begin, count in _core.zero_filled(self._buffer, places):
                    yield at + number, self._begin + begin, count
            at = until

    def _longest(self, offset: int, size: int) -> tuple[int, int]:
        """Offset and size of the longest run of zeros in a stretch that is not held whole."""
        best, count = offset, 0
        at, end = offset, offset + size
        run = at  # where the zeros begin that end here
        while at < end:
            self._hold(at, end)
            with memoryview(self._buffer) as whole:
                piece = whole[at - self._begin : min(end, self._end) - self._begin]
                leading, trailing, begin, zeros = _core.zeros_in(piece)
                length = len(piece)
                piece.release()
            if not length:
                break
            for first, many in ((run, at + leading - run), (at + begin, zeros)):
                if many > count and many >= _core.least_zeros:
                    best, count = first, many
            if leading < length:
                run = at + length - trailing
            at += length
        return best, count

    def _hold(self, at: int, end: int) -> None:
        """Have the bytes from ``at`` on in the buffer: up to ``end`` if it is large enough."""
        if self._begin <= at and end <= self._end:
            return
        try:
            if self._source is None:
                self._source = _opened(self._file)
                self._buffer = bytearray(BLOCK)
            kept = max(0, self._end - at) if self._begin <= at else 0
            with memoryview(self._buffer) as whole:  # slices of it are not copied
                whole[:kept] = whole[at - self._begin :][:kept]
                self._begin, self._end = at, at + kept
                while self._end < min(end, at + BLOCK):
                    with whole[self._end - at :] as room:
                        count = self._source.read_into(self._end, room)
                    if not count:
                        return
                    self._end += count
        except OSError:
            return

    def close(self) -> None:
        """Let go of the file."""
        if self._source is not None:
            self._source.close()
            self._source = None
        self._buffer = bytearray()


def _opened(file: EventFile) -> Source:
    """A file's bytes, unpacked if it is packed."""
    source: Source = BoundedSource(file.storage.open(file.path), file.size)
    first = bytearray(4)
    with memoryview(first) as room:
        count = source.read_into(0, room)
    codec = packed_with(bytes(first[:count]))
    return source if codec is None else UnpackedSource(source, codec)
