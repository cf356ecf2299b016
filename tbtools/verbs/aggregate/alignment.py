"""Steps that runs have in common: by bins, or between the steps that were written."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tbtools.errors import UsageError
from tbtools.verbs.aggregate.points import POINTS

__all__ = ["Grid"]

MOST_SPAN = 1 << 62  # steps; their differences have to fit into int64
MOST_ROWS = 1 << 19


class Grid:
    """The steps of each tag, of all runs, and the common ones that are made of them."""

    def __init__(self, bins: int | None, bin_size: int | None, interpolate: bool) -> None:
        self._bins = bins
        self._size = bin_size
        self._union = interpolate and bins is None and bin_size is None
        self._ends = pl.DataFrame(schema={"tag": pl.Int32, "low": pl.Int64, "high": pl.Int64})
        self._steps = pl.DataFrame(schema={"tag": pl.Int32, "step": pl.Int64})

    def add(self, points: pl.DataFrame) -> None:
        """Take note of the steps of these points."""
        if self._union:
            self._steps = pl.concat([self._steps, points.select("tag", "step")]).unique()
        ends = points.group_by("tag").agg(low=pl.col("step").min(), high=pl.col("step").max())
        self._ends = (
            pl.concat([self._ends, ends])
            .group_by("tag")
            .agg(pl.col("low").min(), pl.col("high").max())
        )

    def check(self) -> None:
        """Raises UsageError for steps that are too far apart to be computed with."""
        for low, high in self._ends.select("low", "high").rows():
            if max(high - low, abs(low), abs(high)) >= MOST_SPAN:
                raise UsageError(f"steps from {low} to {high} are too far apart to be aligned")

    def binned(self, points: pl.DataFrame) -> pl.DataFrame:
        """One value for each run, tag and bin: the mean of the numbers in it, NaN if it has none.

        The step is the first that the bin may hold. Bins of a size begin at its multiples, as many
        bins as were asked for at the smallest step of the tag.
        """
        ends = self._ends.select(
            "tag",
            begin=pl.col("low") if self._size is None else pl.lit(0, pl.Int64),
            width=self._width(),
        )
        begin, width = pl.col("begin"), pl.col("width")
        value = pl.col("value")
        return (
            points.join(ends, on="tag", maintain_order="left")
            .with_columns(step=begin + (pl.col("step") - begin).floordiv(width) * width)
            .group_by("run", "tag", "step")
            .agg(
                pl.col("wall_time").max(),
                value.fill_nan(None).mean().fill_null(float("nan")),
            )
            .select(*POINTS)
        )

    def _width(self) -> pl.Expr:
        if self._size is not None:
            return pl.lit(self._size, pl.Int64)
        return (pl.col("high") - pl.col("low")) // (self._bins or 1) + 1

    def interpolated(self, points: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Each series at the steps of the grid that are not beyond its ends.

        ``points`` has one value for each run, tag and step. Where a series has the step its value
        is untouched.
        """
        points = points.sort("tag", "run", "step")
        for (tag,), of_tag in points.partition_by("tag", as_dict=True, maintain_order=True).items():
            grid = self._of(tag)
            runs = of_tag.select("run").unique(maintain_order=True)
            most = max(1, MOST_ROWS // max(grid.len(), 1))
            for some in runs.iter_slices(most):
                yield _between(of_tag.join(some, on="run", how="semi"), grid)

    def _of(self, tag: int) -> pl.Series:
        if self._union:
            return self._steps.filter(pl.col("tag") == tag)["step"].sort()
        ((low, high),) = self._ends.filter(pl.col("tag") == tag).select("low", "high").rows()
        if self._size is not None:
            steps = range(-(-low // self._size) * self._size, high + 1, self._size)
            return pl.Series(steps, dtype=pl.Int64)
        last = max((self._bins or 1) - 1, 1)
        placed = {low + (high - low) * place // last for place in range(self._bins or 1)}
        return pl.Series(sorted(placed), dtype=pl.Int64)


def _between(points: pl.DataFrame, grid: pl.Series) -> pl.DataFrame:
    wanted = points.group_by("tag", "run").agg(low=pl.col("step").min(), high=pl.col("step").max())
    wanted = (
        wanted.join(grid.alias("step").to_frame(), how="cross")
        .filter(pl.col("step").is_between("low", "high"))
        .select("tag", "run", "step")
        .sort("step")
    )
    sides = points.sort("step").with_columns(at=pl.col("step"))
    found = wanted
    for strategy, suffix in (("backward", "_below"), ("forward", "_above")):
        side = sides.rename({name: name + suffix for name in ("at", "wall_time", "value")})
        found = found.join_asof(
            side,
            on="step",
            by=["tag", "run"],
            strategy=strategy,  # type: ignore[arg-type]  # these are two of them
            check_sortedness=False,
        )
    below, above = pl.col("at_below"), pl.col("at_above")
    part = (pl.col("step") - below) / (above - below)

    def between(name: str) -> pl.Expr:
        low, high = pl.col(f"{name}_below"), pl.col(f"{name}_above")
        same = (below == above) | (low == high)
        return pl.when(same).then(low).otherwise(low * (1 - part) + high * part).alias(name)

    return found.with_columns(between("wall_time"), between("value")).select(*POINTS)
