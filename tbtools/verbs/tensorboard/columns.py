"""Rows of numbers of eight bytes, appended and cut off, packed in blocks: every bit is kept.

Steps are mostly arithmetic sequences, the bits of times are close to each other, and most values
were float32: a point of 24 bytes takes about 8.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Columns", "Rows", "Snapshot"]

#: A column in each row of the array: the step, the bits of the wall_time, and others.
Rows: TypeAlias = NDArray[np.int64]

BLOCK = 4096  # rows that are packed together
MOST_PIECES = 64  # before they are joined


class _Sequence(NamedTuple):
    first: int
    stride: int


class _Deltas(NamedTuple):
    first: int
    deltas: NDArray[Any]


#: An array of float32 stands for float64 that are equal to it, bit for bit.
_Packed: TypeAlias = _Sequence | _Deltas | NDArray[Any]


class _Block(NamedTuple):
    rows: int
    greatest: int  # step
    latest: float  # wall_time
    columns: tuple[_Packed, ...]


class Columns:
    """Rows in the order in which they were added."""

    __slots__ = ("_blocks", "_loose", "_pieces", "rows", "width")

    def __init__(self, width: int) -> None:
        self.rows = 0
        self.width = width
        self._blocks: list[_Block] = []
        self._pieces: list[Rows] = []  # that are not packed yet
        self._loose = 0  # rows of them

    def add(self, rows: Rows) -> None:
        """Append rows. The array is kept: it must not be changed, nor be part of a larger one."""
        count = rows.shape[1]
        self.rows += count
        self._loose += count
        self._pieces.append(rows)
        if self._loose >= BLOCK:
            loose = self._joined()
            end = self._loose - self._loose % BLOCK
            for begin in range(0, end, BLOCK):
                self._blocks.append(_packed(loose[:, begin : begin + BLOCK]))
            self._keep(loose[:, end:].copy())
        elif len(self._pieces) > MOST_PIECES:
            self._keep(self._joined())

    def drop_from(self, step: int) -> int:
        """Drop the rows of this step and greater ones; how many these were."""
        before = self.rows
        for place, block in enumerate(self._blocks):
            if block.greatest >= step:
                left = _unpacked(block)
                self._blocks[place] = _packed(left[:, left[0] < step])
        self._blocks = [block for block in self._blocks if block.rows]
        if self._loose:
            loose = self._joined()
            self._keep(loose[:, loose[0] < step])
        self.rows = sum(block.rows for block in self._blocks) + self._loose
        return before - self.rows

    def snapshot(self) -> Snapshot:
        """The rows of now, whatever is added or dropped later."""
        return Snapshot(self.width, self.rows, tuple(self._blocks), tuple(self._pieces))

    def _joined(self) -> Rows:
        return self._pieces[0] if len(self._pieces) == 1 else np.concatenate(self._pieces, axis=1)

    def _keep(self, loose: Rows) -> None:
        self._loose = loose.shape[1]
        self._pieces = [loose] if self._loose else []


class Snapshot(NamedTuple):
    """Rows that do not change."""

    width: int
    rows: int
    blocks: tuple[_Block, ...]
    pieces: tuple[Rows, ...]

    def all(self) -> Rows:
        """Every row."""
        parts = [*map(_unpacked, self.blocks), *self.pieces]
        return np.concatenate(parts, axis=1) if parts else np.empty((self.width, 0), np.int64)

    def last(self) -> Rows:
        """The last row, if there is any."""
        if self.pieces:
            return self.pieces[-1][:, -1:]
        return _unpacked(self.blocks[-1])[:, -1:] if self.blocks else self.all()

    @property
    def greatest(self) -> int | None:
        """The greatest step; None without rows."""
        steps = [block.greatest for block in self.blocks]
        steps += [int(piece[0].max()) for piece in self.pieces]
        return max(steps, default=None)

    @property
    def latest(self) -> float | None:
        """The latest wall_time, in seconds; None without rows."""
        times = [block.latest for block in self.blocks]
        times += [_latest(piece) for piece in self.pieces]
        return float(np.fmax.reduce(times)) if times else None


def _packed(rows: Rows) -> _Block:
    if not rows.shape[1]:
        return _Block(0, 0, 0, ())
    columns = tuple(map(_packed_column, rows))
    return _Block(rows.shape[1], int(rows[0].max()), _latest(rows), columns)


def _latest(rows: Rows) -> float:
    return float(np.fmax.reduce(rows[1].copy().view(np.float64)))


def _packed_column(column: NDArray[np.int64]) -> _Packed:
    deltas = np.diff(column)  # wraps around, and back when they are summed
    if not len(deltas):
        return column.copy()
    low, high = int(deltas.min()), int(deltas.max())
    if low == high:
        return _Sequence(int(column[0]), low)
    for narrow in (np.int16, np.int32):
        if np.iinfo(narrow).min <= low and high <= np.iinfo(narrow).max:
            return _Deltas(int(column[0]), deltas.astype(narrow))
    with np.errstate(all="ignore"):
        floats = column.view(np.float64).astype(np.float32)
    if np.array_equal(floats.astype(np.float64).view(np.int64), column):
        return floats
    return column.copy()


def _unpacked(block: _Block) -> Rows:
    rows = np.empty((len(block.columns), block.rows), np.int64)
    for row, packed in zip(rows, block.columns, strict=True):
        match packed:
            case _Sequence(first, stride):
                row[0] = first
                row[1:] = stride
                np.cumsum(row, out=row)
            case _Deltas(first, deltas):
                row[0] = first
                row[1:] = deltas
                np.cumsum(row, out=row)
            case _:
                is_narrow = packed.dtype == np.float32
                row[:] = packed.astype(np.float64).view(np.int64) if is_narrow else packed
    return rows
