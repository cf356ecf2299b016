"""Points of many runs, sorted into files so that few of them have to be in memory at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa

from tbtools.output.wide import Numbers, doubled
from tbtools.tables.table import LazyTable

__all__ = ["BY_POINT", "BY_SERIES", "POINTS", "Buckets", "Reading", "one_value"]

#: A value of a run at a step; runs and tags have numbers.
POINTS = {
    "run": pl.Int32,
    "tag": pl.Int32,
    "step": pl.Int64,
    "wall_time": pl.Float64,
    "value": pl.Float64,
}

#: What points have to have in common to be in the same file.
BY_POINT = ("tag", "step")
BY_SERIES = ("tag", "run")

FILES = 256
MOST_WAITING = 1 << 18  # rows
MOST_UNFILED = 1 << 19  # rows; fewer are never put into files
MOST_ROWS = 1 << 18  # of a file that are worked on at once

#: How several values of a run at one step become one: they stand in the order of writing.
_ONE_VALUE = {
    "last": pl.col("value").last(),
    "first": pl.col("value").first(),
    "mean": pl.col("value").mean(),
    "error": pl.col("value").last(),
}


class Reading:
    """Reads scalars, and keeps in mind what there was: runs, tags, which run has which tag."""

    def __init__(self, scalars: LazyTable, group_of: Callable[[str], int]) -> None:
        self.runs, self.tags = Numbers(), Numbers()
        self.groups: list[int] = []  # the number of the group of each run; -1: none
        self.series: set[tuple[int, int]] = set()
        self._scalars = scalars
        self._group_of = group_of

    def frames(self) -> Iterator[pl.DataFrame]:
        """The points, in the order of writing within each run."""
        columns = ["run", "tag", "step", "wall_time", "value"]
        for batch in self._scalars.to_batches(columns):
            runs = self.runs.of(batch["run"])
            self.groups += map(self._group_of, list(self.runs)[len(self.groups) :])
            numbers = [
                runs,
                self.tags.of(batch["tag"]),
                *(batch[name] for name in columns[2:]),
            ]
            frame = pl.DataFrame(dict(zip(POINTS, map(pl.Series, numbers), strict=True)))
            if -1 in self.groups:
                none = [number for number, group in enumerate(self.groups) if group < 0]
                frame = frame.filter(~pl.col("run").is_in(none))
            if not frame.height:
                continue
            self.series.update(frame.select("run", "tag").unique().rows())
            yield frame


class Buckets:
    """Files of points. Points that are alike in ``keys`` are in the same file, in their order."""

    def __init__(self, folder: Path, keys: tuple[str, str]) -> None:
        folder.mkdir()
        self._folder = folder
        self._keys = keys
        self._rows: dict[int, int] = {}
        self._writers: dict[int, pa.RecordBatchStreamWriter] = {}
        self._waiting: list[pl.DataFrame] = []
        self._count = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Take points."""
        self._waiting.append(frame)
        self._count += frame.height
        if self._count >= (MOST_WAITING if self._writers else MOST_UNFILED):
            self._flush()

    def _hash(self) -> pl.Expr:
        one, other = self._keys
        return pl.col(other).hash() + pl.col(one).cast(pl.UInt64) * 0x9E3779B1

    def _flush(self) -> None:
        if not self._count:
            return
        whole = pl.concat(self._waiting).with_columns(file=self._hash() % FILES)
        self._waiting, self._count = [], 0
        # A call costs more than the rows of a part: all parts lie in one batch.
        whole = whole.sort("file", maintain_order=True)
        sizes = whole["file"].rle().struct.unnest()
        (rows,) = whole.drop("file").rechunk().to_arrow().to_batches()
        begin = 0
        for size, number in sizes.iter_rows():
            if number not in self._writers:
                path = str(self._folder / str(number))
                self._writers[number] = pa.ipc.new_stream(path, rows.schema)
            self._writers[number].write_batch(rows.slice(begin, size))
            self._rows[number] = self._rows.get(number, 0) + size
            begin += size

    def frames(self) -> Iterator[pl.DataFrame]:
        """All points, those that are alike in the same frame, in their order."""
        if not self._writers and self._count:  # so few that no file is needed
            yield pl.concat(self._waiting)
            return
        self._flush()
        for writer in self._writers.values():
            writer.close()
        together: list[pa.RecordBatch] = []  # a call costs more than a file has rows for
        for number in sorted(self._rows):
            path = self._folder / str(number)
            parts = -(-self._rows[number] // MOST_ROWS)
            for part in range(parts):
                with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as batches:
                    if parts == 1:
                        together += batches
                    else:
                        for batch in batches:
                            frame = pl.DataFrame(pl.from_arrow(batch))
                            chosen = frame.filter((self._hash() // FILES) % parts == part)
                            together += chosen.to_arrow().to_batches()
                if sum(batch.num_rows for batch in together) >= MOST_ROWS // 2:
                    yield _one_frame(together)
                    together = []
            path.unlink()
        if together:
            yield _one_frame(together)


def _one_frame(batches: list[pa.RecordBatch]) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(pa.Table.from_batches(batches).combine_chunks()))


def one_value(points: pl.DataFrame, duplicates: str) -> tuple[pl.DataFrame, int]:
    """One value for each run, tag and step, and how many values had to make room for another.

    ``wall_time`` is the largest. Raises UsageError if the policy is ``error`` and there are any.
    """
    keys = ["tag", "step", "run"]
    # Equal keys have equal codes: where a code is the only one of its kind, so are its keys. To see
    # that takes less long than to group by them.
    series = pl.col("tag").cast(pl.Int64) * (1 << 32) + pl.col("run")
    alone = points.select(pl.col("step").hash() + series.hash(1)).to_series().is_unique()
    if alone.all():
        return points, 0
    several = points.filter(~alone)
    made = several.group_by(keys).agg(pl.col("wall_time").max(), _ONE_VALUE[duplicates])
    found = pl.concat([points.filter(alone), made.select(*POINTS)])
    more = points.height - found.height
    if more and duplicates == "error":
        raise doubled(more)
    return found, more
