"""What the core read, as arrays of numpy over the same memory.

Bytes are taken as they lie, not by pyarrow's ``to_numpy``, which a command line without numpy does
not have.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["Integers", "Others", "Points", "others_of", "points_of"]

Integers = NDArray[np.int64]


class Points(NamedTuple):
    """Scalars: codes of their tags, and step, bits of wall_time and of value in ``columns``."""

    tags: list[str]
    codes: NDArray[np.int32]
    columns: Integers
    offsets: Integers

    def slice(self, begin: int, end: int) -> Points:
        """Some of them."""
        return Points(
            self.tags, self.codes[begin:end], self.columns[:, begin:end], self.offsets[begin:end]
        )


class Others(NamedTuple):
    """All that is no scalar at first sight. ``before``: how many points come before each."""

    tags: list[str | None]
    fields: list[str]
    steps: Integers
    times: Integers
    offsets: Integers
    before: Integers
    payloads: pa.BinaryArray
    declares: list[bool]  # whether it has metadata of its own

    def slice(self, begin: int, end: int, points: int) -> Others:
        """Some of them; ``points`` are those before what is sliced."""
        return Others(
            self.tags[begin:end],
            self.fields[begin:end],
            self.steps[begin:end],
            self.times[begin:end],
            self.offsets[begin:end],
            self.before[begin:end] - points,
            self.payloads.slice(begin, end - begin),
            self.declares[begin:end],
        )


def points_of(batch: pa.RecordBatch) -> Points:
    """The points of a scan."""
    tags = batch["tag"]
    columns = np.empty((3, batch.num_rows), np.int64)
    for row, name in zip(columns, ("step", "wall_time", "value"), strict=True):
        row[:] = _numbers(batch[name])
    return Points(tags.dictionary.to_pylist(), _codes(tags), columns, _numbers(batch["offset"]))


def others_of(batch: pa.RecordBatch) -> Others:
    """The rows of a scan."""
    return Others(
        batch["tag"].to_pylist(),
        batch["field"].to_pylist(),
        _numbers(batch["step"]),
        _numbers(batch["wall_time"]),
        _numbers(batch["offset"]),
        _numbers(batch["points_before"]),
        batch["payload"],
        batch["metadata"].is_valid().to_pylist(),
    )


def _numbers(column: pa.Array) -> Integers:
    data = column.buffers()[1]
    return np.frombuffer(b"" if data is None else data, np.int64, len(column), column.offset * 8)


def _codes(column: pa.DictionaryArray) -> NDArray[np.int32]:
    data = column.indices.buffers()[1]
    if data is None:
        return np.empty(0, np.int32)
    return np.frombuffer(data, np.int32, len(column), column.indices.offset * 4)
