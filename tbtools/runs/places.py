"""The place of a record in its run, as one number: by file, then by offset in bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["place_of", "position_of"]

OFFSET_BITS = 44  # 16 TiB


def position_of(file: int, offset: pa.Array | int) -> pa.Array | int:
    """The position of a record, or of all records of a column."""
    base = file << OFFSET_BITS
    if isinstance(offset, int):
        return base + offset
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.add(offset.cast(pa.int64()), base)


def place_of(position: int) -> tuple[int, int]:
    """The file and the offset that make a position."""
    return position >> OFFSET_BITS, position & ((1 << OFFSET_BITS) - 1)
