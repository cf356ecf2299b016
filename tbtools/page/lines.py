"""The lines of a page: all series of scalars, thinned while they come, in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import pyarrow as pa
import pyarrow.compute as pc

from tbtools import _core
from tbtools.tables.views.series import Series, array_of, buffer_of

__all__ = ["Line", "Lines"]


@dataclass(frozen=True)
class Line:
    """What stays of a series of ``points`` points.

    ``position`` counts all of its points from 0; ``sum`` is that of its finite values up to each
    point and with it, so that the mean of what was left out between two points is known.
    """

    points: int
    position: pa.Int64Array
    step: pa.Int64Array
    wall_time: pa.DoubleArray
    value: pa.DoubleArray
    sum: pa.DoubleArray

    @property
    def is_thinned(self) -> bool:
        """Whether points were left out."""
        return len(self.step) < self.points


class Lines:
    """Series of scalars, of each of which at most ``points`` are kept; batches may be added later.

    Several threads may ask while one adds.
    """

    def __init__(self, points: int) -> None:
        self._lines = _core.Lines(points)
        self._series = Series()
        self._lock = Lock()

    def add(self, batch: pa.RecordBatch) -> None:
        """Add rows of ``scalars``: the columns run, tag, step, wall_time and value."""
        with self._lock:
            self._lines.add(
                buffer_of(self._series.number(batch)),
                buffer_of(batch["step"]),
                buffer_of(batch["wall_time"]),
                buffer_of(pc.fill_null(batch["value"], float("nan"))),
            )

    def compact(self) -> None:
        """Give back memory, when the most of what will come has come."""
        with self._lock:
            self._lines.compact()

    def runs_of(self, tag: str) -> list[str]:
        """The runs that have points of a tag."""
        with self._lock:
            return sorted(run for run, of in self._series.names if of == tag)

    def names(self) -> dict[tuple[str, str], int]:
        """The points of each run and tag, in the order in which they appeared."""
        with self._lock:
            return {
                (run, tag or ""): self._lines.count(number)
                for (run, tag), number in self._series.names.items()
            }

    def line(self, run: str, tag: str) -> Line:
        """One line. Raises KeyError if there is none."""
        with self._lock:
            number = self._series.names[run, tag]
            count, taken = self._lines.count(number), self._lines.take(number)
        position, step = (array_of(data, pa.int64()) for data in taken[:2])
        times, value, total = (array_of(data, pa.float64()) for data in taken[2:])
        return Line(count, position, step, times, value, total)
