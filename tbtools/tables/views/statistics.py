"""Statistics of each series of scalars, from one pass over them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl
import pyarrow as pa

from tbtools.tables.views.series import Series
from tbtools.tables.views.specs import STATS

__all__ = ["statistics", "stats_of"]

#: Rows of summaries that wait to be united, so that memory depends on the number of series only.
MOST_WAITING = 1 << 16
FRAME = 256  # rows that the memory of a frame counts as, however few it has

POINT = {"series": pl.Int64, "step": pl.Int64, "value": pl.Float64}


def stats_of(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The rows of ``stats`` for batches of ``scalars``."""
    series, frame = statistics(batches)
    labels = series.labels(frame["series"].to_list())
    columns = [
        labels[field.name] if field.name in labels else frame[field.name].to_arrow()
        for field in STATS.schema
    ]
    yield pa.RecordBatch.from_arrays(columns, schema=STATS.schema)


def statistics(batches: Iterable[pa.RecordBatch]) -> tuple[Series, pl.DataFrame]:
    """The series of ``scalars``, and the columns of ``stats`` with the number of each series.

    Each batch is summed up by itself, then the summaries are, in their order: the result does not
    depend on threads, and memory only on the number of series.
    """
    series = Series()
    waiting = [_summary(pl.DataFrame(schema=POINT))]
    size, most = 0, MOST_WAITING
    for batch in batches:
        columns = [series.number(batch), batch["step"], batch["value"]]
        points = dict(zip(POINT, map(pl.Series, columns), strict=True))
        waiting.append(_summary(pl.DataFrame(points, schema=POINT)))
        size += waiting[-1].height + FRAME
        if size > most:
            waiting = [_united(waiting)]
            size, most = 0, max(MOST_WAITING, waiting[0].height)
    variance = pl.col("squares") / (pl.col("numbers") - 1)
    std = pl.when(pl.col("numbers") > 1).then(variance.sqrt())
    return series, _united(waiting).with_columns(std=std)


def _summary(points: pl.DataFrame) -> pl.DataFrame:
    """What ``_united`` unites, of the points of one batch."""
    value, step, number = pl.col("value"), pl.col("step"), pl.col("number")
    # Of equal values the mean is that value, which no rounding may change.
    mean = pl.when(number.min() == number.max()).then(number.min()).otherwise(number.mean())
    return (
        points.with_columns(number=value.fill_nan(None))
        .group_by("series", maintain_order=True)
        .agg(
            n=pl.len().cast(pl.Int64),
            first=value.first(),
            last=value.last(),
            final=value.filter(step == step.max()).last(),
            final_step=step.max(),
            min=number.min(),
            min_step=step.filter(number == number.min()).first(),
            max=number.max(),
            max_step=step.filter(number == number.max()).first(),
            numbers=number.count().cast(pl.Int64),
            mean=mean,
            squares=(number - mean).pow(2).sum(),
            nans=value.is_nan().sum().cast(pl.Int64),
            infs=value.is_infinite().sum().cast(pl.Int64),
        )
    )


def _united(summaries: list[pl.DataFrame]) -> pl.DataFrame:
    """One summary of several, in the order of their rows."""
    numbers, mean, final_step = pl.col("numbers"), pl.col("mean"), pl.col("final_step")
    low, high, total = pl.col("min").min(), pl.col("max").max(), numbers.sum()
    united = pl.when(low == high).then(low).when(total > 0).then((mean * numbers).sum() / total)
    # The squares around the common mean: those around each mean, and those of the means around it.
    squares = pl.col("squares").sum() + (numbers * (mean - united).pow(2)).sum()
    return (
        pl.concat(summaries)
        .group_by("series", maintain_order=True)
        .agg(
            pl.col("n").sum(),
            pl.col("first").first(),
            pl.col("last").last(),
            pl.col("final").filter(final_step == final_step.max()).last(),
            final_step.max(),
            pl.col("min").min(),
            pl.col("min_step").filter(pl.col("min") == low).first(),
            pl.col("max").max(),
            pl.col("max_step").filter(pl.col("max") == high).first(),
            numbers.sum(),
            united.alias("mean"),
            squares.alias("squares"),
            pl.col("nans").sum(),
            pl.col("infs").sum(),
        )
    )
