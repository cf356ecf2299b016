"""What the runs of a group have at one step → a row of statistics.

Sources: std and sem are those of a sample (n - 1); quantiles are linear between neighbours, as
numpy's default; the interquartile mean drops a quarter of the runs, rounded down, at either end, as
``scipy.stats.trim_mean`` and rliable (Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge
of the Statistical Precipice") do.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

__all__ = ["KEYS", "STATISTICS", "collected", "quantile", "quantile_name", "statistics"]

KEYS = ("group", "tag", "step")

_N = pl.col("count").cast(pl.Int64)
_NUMBERS = pl.col("numbers").list


def _of_equal(otherwise: pl.Expr, value: pl.Expr) -> pl.Expr:
    """Of equal numbers, ``value``: no rounding may change that."""
    low, high = _NUMBERS.first(), _NUMBERS.last()
    return pl.when((low == high) & low.is_finite()).then(value).otherwise(otherwise)


def _between(low: pl.Expr, high: pl.Expr, part: pl.Expr) -> pl.Expr:
    """``part`` of the way from low to high, rounded as numpy does."""
    way = high - low
    inside = pl.when(part < 0.5).then(low + way * part).otherwise(high - way * (1 - part))
    return pl.when((part == 0) | (low == high)).then(low).otherwise(inside)


def quantile(numbers: pl.Expr, count: pl.Expr, q: float) -> pl.Expr:
    """The quantile of sorted lists with ``count`` members."""
    place = (count - 1).cast(pl.Float64) * q
    below = place.floor().cast(pl.Int64)
    at = pl.when(count > 0).then(below)
    low = numbers.list.get(at, null_on_oob=True)
    high = numbers.list.get(pl.min_horizontal(at + 1, count - 1), null_on_oob=True)
    return pl.when(count > 0).then(_between(low, high, place - below))


def _iqm() -> pl.Expr:
    cut = _N // 4
    return _of_equal(_NUMBERS.slice(cut, _N - 2 * cut).list.mean(), _NUMBERS.first())


def _median() -> pl.Expr:
    low = _NUMBERS.get((_N - 1) // 2, null_on_oob=True)
    high = _NUMBERS.get(_N // 2, null_on_oob=True)
    return pl.when(_N > 0).then(pl.when(low == high).then(low).otherwise((low + high) / 2))


_STD = pl.when(_N > 1).then(_of_equal(_NUMBERS.std(), pl.lit(0.0)))

_FORMULAS = {
    "count": _N,
    "mean": _of_equal(_NUMBERS.mean(), _NUMBERS.first()),
    "std": _STD,
    "sem": _STD / _N.cast(pl.Float64).sqrt(),
    "median": _median(),
    "min": _NUMBERS.first(),
    "max": _NUMBERS.last(),
    "iqm": _iqm(),
}

#: All but quantiles and intervals.
STATISTICS = tuple(_FORMULAS)


def quantile_name(q: float) -> str:
    """The column of a quantile: ``q0.1``."""
    return f"q{q:g}"


def collected(points: pl.DataFrame) -> pl.DataFrame:
    """A row per group, tag and step: ``numbers`` is the sorted list of what runs have there.

    ``count`` is how many these are, ``nans`` how many runs have NaN, which is no number.
    """
    number = ~pl.col("value").is_nan()
    return points.group_by(*KEYS).agg(
        wall_time=pl.col("wall_time").max(),
        count=number.sum().cast(pl.Int64),
        nans=(~number).sum().cast(pl.Int64),
        numbers=pl.col("value").filter(number).sort(),
    )


def statistics(
    rows: pl.DataFrame, wanted: Sequence[str], quantiles: Sequence[float]
) -> pl.DataFrame:
    """The rows of ``collected`` with these statistics."""
    made = {name: _FORMULAS[name] for name in wanted if name != "count"}
    made |= {quantile_name(q): quantile(pl.col("numbers"), _N, q) for q in quantiles}
    return rows.with_columns(**made)
