"""TensorBoard's smoothing: a debiased exponential moving average of each series."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.errors import UsageError
from tbtools.schema import KEYS
from tbtools.tables.table import LazyTable
from tbtools.tables.views.series import Series
from tbtools.tables.views.specs import SMOOTHED, WEIGHT

__all__ = ["smooth"]


def smooth(scalars: LazyTable, weight: float = WEIGHT) -> LazyTable:
    """The view ``smoothed`` with any weight. Raises UsageError for one that is not in [0, 1)."""
    if not 0 <= weight < 1:
        raise UsageError(f"{weight} is no weight to smooth with: it is at least 0 and less than 1")

    def smoothed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _smoothed(batches, weight)

    return scalars.derived(SMOOTHED.name, SMOOTHED.schema, smoothed)


def _smoothed(batches: Iterable[pa.RecordBatch], weight: float) -> Iterator[pa.RecordBatch]:
    series = Series()
    averages: defaultdict[int, _Average] = defaultdict(lambda: _Average(weight))
    keys = [field.name for field in KEYS]
    for batch in batches:
        numbers = series.number(batch)
        order = pc.sort_indices(numbers)  # stable
        values = batch["value"].take(order).to_pylist()
        result: list[float] = []
        begin = 0
        for run in pc.value_counts(numbers.take(order)).to_pylist():
            end = begin + run["counts"]
            result += averages[run["values"]].feed(values[begin:end])
            begin = end
        column = pa.array(result, pa.float64()).take(pc.sort_indices(order))
        columns = [*(batch[name].cast(SMOOTHED.schema.field(name).type) for name in keys)]
        columns += [batch["value"], column]
        yield pa.RecordBatch.from_arrays(columns, schema=SMOOTHED.schema)


class _Average:
    """The debiased moving average of one series, as far as it was fed.

    Source: tensorflow/tensorboard, ``resmoothDataset`` in vz_line_chart2/line-chart.ts.
    """

    def __init__(self, weight: float) -> None:
        self._weight = weight
        self._average = 0.0
        self._count = 0
        self._only: float | None = None  # what all values so far have been
        self._is_settled = False  # whether the values vary, and what is left of the bias is nothing

    def feed(self, values: list[float]) -> list[float]:
        """The average after each of these values."""
        if not (self._is_settled and all(map(math.isfinite, values))):
            return [self._after(value) for value in values]
        weight, gain, average = self._weight, 1 - self._weight, self._average
        result = [average := average * weight + gain * value for value in values]
        self._average = average
        return result

    def _after(self, value: float) -> float:
        if not math.isfinite(value):
            return value
        self._average = self._average * self._weight + (1 - self._weight) * value
        self._count += 1
        # TensorBoard leaves a series as it is if all its values are equal. Here they are left as
        # long as they are: their average is that value, but for the rounding.
        if self._count == 1:
            self._only = value
        if value == self._only:
            return value
        self._only = None
        bias = 1 - self._weight**self._count
        self._is_settled = bias == 1
        return self._average / bias
