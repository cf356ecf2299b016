"""What the buckets of a histogram tell of the values that were counted."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.schema import KEYS
from tbtools.tables.views.specs import BASIS_POINTS, DISTRIBUTIONS, HISTOGRAM_STATS, QUANTILES

__all__ = ["distributions_of", "histogram_stats_of"]


def distributions_of(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The rows of ``distributions`` for batches of ``histograms``."""
    count = len(BASIS_POINTS)
    for batch in batches:
        lines: list[float] = []
        for histogram in _histograms(batch):
            lines += histogram.lines(BASIS_POINTS) or [0.0] * count
        origin = pa.array([row for row in range(batch.num_rows) for _ in range(count)], pa.int64())
        points = pa.array([*BASIS_POINTS] * batch.num_rows, pa.int64())
        columns = [*_keys(batch, origin), points, pa.array(lines, pa.float64())]
        yield pa.RecordBatch.from_arrays(columns, schema=DISTRIBUTIONS.schema)


def histogram_stats_of(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The rows of ``histogram_stats`` for batches of ``histograms``."""
    for batch in batches:
        told = [_told(histogram) for histogram in _histograms(batch)]
        columns = zip(*told, strict=True) if told else [()] * (4 + len(QUANTILES))
        arrays = [pa.array(values, pa.float64()) for values in columns]
        arrays = [*_keys(batch, pa.array(range(batch.num_rows), pa.int64())), *arrays]
        yield pa.RecordBatch.from_arrays(arrays, schema=HISTOGRAM_STATS.schema)


def _keys(batch: pa.RecordBatch, rows: pa.Array) -> list[pa.Array]:
    return [batch[field.name].take(rows).cast(field.type) for field in KEYS]


@dataclass(frozen=True)
class _Histogram:
    """Buckets side by side, without empty ones at the ends if the writer gave the outer edges."""

    lefts: list[float]
    rights: list[float]
    counts: list[float]
    low: float | None  # the outer edges; None if there are no buckets, and the writer gave none
    high: float | None
    mean: float | None  # as the writer gave it

    def lines(self, points: Sequence[int]) -> list[float]:
        """Where these basis points are, as ``distributions`` has it; nothing without buckets.

        Source: tensorflow/tensorboard, plugins/distribution/compressor.py. The same operations in
        the same order, so that the last digit is the same.
        """
        if not self.counts or self.low is None or self.high is None:
            return []
        total = sum(self.counts) or 1.0
        sums = [0.0, *accumulate(count * 10000 / total for count in self.counts)]
        found = []
        for point in points:
            bucket = bisect_right(sums, point, lo=1) - 1
            while bucket < len(self.counts) and sums[bucket + 1] == sums[bucket]:
                bucket += 1
            if bucket == len(self.counts):
                found.append(self.high)
                continue
            before, behind = sums[bucket], sums[bucket + 1]
            left = max(self.rights[bucket - 1], self.low) if before else self.low
            right = min(self.rights[bucket], self.high)
            found.append(left + (point - before) * (right - left) / (behind - before))
        return found


def _histograms(batch: pa.RecordBatch) -> Iterator[_Histogram]:
    lists = batch["buckets"]
    cells = pc.list_flatten(lists)
    lefts, rights, counts = (
        pc.struct_field(cells, name).to_pylist() for name in ("left", "right", "count")
    )
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_pylist()
    given = zip(*(batch[name].to_pylist() for name in ("min", "max", "num", "sum")), strict=True)
    first = 0
    for length, (low, high, num, total) in zip(lengths, given, strict=True):
        begin, end = first, first + length
        first = end
        if low is not None and high is not None and length:
            # The outermost limits of a HistogramProto may be ±DBL_MAX, far from all values.
            filled = [index for index in range(begin, end) if counts[index] > 0]
            begin, end = (filled[0], filled[-1] + 1) if filled else (0, 0)
            if filled:
                lefts[begin], rights[end - 1] = low, high
        yield _Histogram(
            lefts[begin:end],
            rights[begin:end],
            counts[begin:end],
            low=lefts[begin] if begin < end else low,
            high=rights[end - 1] if begin < end else high,
            mean=total / num if num and total is not None else None,
        )


def _told(histogram: _Histogram) -> list[float | None]:
    """The columns of ``histogram_stats`` behind the keys."""
    count = sum(histogram.counts)
    mean = histogram.mean
    quantiles: list[float | None] = [None] * len(QUANTILES)
    if count > 0:
        quantiles = [*histogram.lines([*QUANTILES.values()])]
        if mean is None:
            buckets = zip(histogram.lefts, histogram.rights, histogram.counts, strict=True)
            mean = sum((left + right) / 2 * number for left, right, number in buckets) / count
    return [float(count), mean, histogram.low, *quantiles, histogram.high]
