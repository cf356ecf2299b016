"""Confidence intervals of means: the percentile bootstrap (Efron 1979), seeded.

All rows with the same number of runs are drawn the same samples, which makes a band over steps
smooth, and the result independent of what else is in the log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import reduce
from operator import add
from random import Random

import polars as pl

from tbtools.verbs.aggregate.statistics import quantile

__all__ = ["Bootstrap"]

MOST_ROWS = 1 << 10  # that are worked on at once


class Bootstrap:
    """Intervals that hold ``level`` of the means of ``samples`` samples drawn with ``seed``."""

    def __init__(self, level: float, samples: int, seed: int) -> None:
        self._tails = ((1 - level) / 2, (1 + level) / 2)
        self._samples = samples
        self._seed = seed

    def intervals(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows of ``collected`` with ``ci_low`` and ``ci_high``; null below two runs."""
        none = pl.lit(None, pl.Float64)
        parts = []
        for (count,), part in rows.partition_by("count", as_dict=True).items():
            if count < 2:
                parts.append(part.with_columns(ci_low=none, ci_high=none))
            else:
                draws = list(self._draws(count))
                parts += [self._of(piece, count, draws) for piece in part.iter_slices(MOST_ROWS)]
        return pl.concat(parts)

    def _draws(self, count: int) -> Iterator[dict[int, int]]:
        """Samples: how often each of ``count`` runs was drawn."""
        random = Random(f"{self._seed}/{count}")
        for _ in range(self._samples):
            yield Counter(random.choices(range(count), k=count))

    def _of(self, rows: pl.DataFrame, count: int, draws: list[dict[int, int]]) -> pl.DataFrame:
        columns = [rows["numbers"].list.get(place) for place in range(count)]
        low, high = columns[0], columns[-1]
        means = [
            reduce(add, (columns[place] * times for place, times in sorted(draw.items()))) / count
            for draw in draws
        ]
        table = pl.DataFrame([mean.alias(str(place)) for place, mean in enumerate(means)])
        drawn = table.select(drawn=pl.concat_list(pl.all()).list.sort())
        number = pl.lit(len(draws), pl.Int64)
        ends = [quantile(pl.col("drawn"), number, q).alias(str(q)) for q in self._tails]
        bounds = drawn.select(ends)
        # A sum of rounded numbers may leave what it is made of.
        inside = [
            bounds.to_series(place)
            .to_frame("bound")
            .with_columns(low=low, high=high)
            .select(pl.max_horizontal("low", pl.min_horizontal("high", "bound")))
            .to_series()
            for place in range(2)
        ]
        return rows.with_columns(inside[0].alias("ci_low"), inside[1].alias("ci_high"))
