"""The verb ``aggregate``: rows of statistics, or event files of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, get_args

import polars as pl
import pyarrow as pa

from tbtools.errors import NothingFoundError, UnknownNameError, UsageError
from tbtools.output.event_rows import Written, target_of, write_logdir
from tbtools.output.given import Given
from tbtools.output.staging import scratch
from tbtools.output.targets import check_target
from tbtools.output.wide import check_duplicates
from tbtools.schema import LABEL
from tbtools.tables.interrupts import interruptible
from tbtools.tables.logs import LogsOrPaths, OpenOptions, TableSet, opened
from tbtools.verbs.aggregate.alignment import Grid
from tbtools.verbs.aggregate.bootstrap import Bootstrap
from tbtools.verbs.aggregate.grouping import Groups, by_hparams, by_name
from tbtools.verbs.aggregate.points import BY_POINT, BY_SERIES, Buckets, Reading, one_value
from tbtools.verbs.aggregate.results import Results
from tbtools.verbs.aggregate.statistics import STATISTICS, collected, quantile_name, statistics

if TYPE_CHECKING:
    from tbtools.output.wide import Duplicates

__all__ = ["Aggregation", "Align", "aggregate", "aggregate_events", "aggregated"]

Align = Literal["exact", "interpolate", "bin"]
INTERVAL = ("ci_low", "ci_high")


class AggregateOptions(TypedDict, total=False):
    """What is computed of what: see ``aggregate``."""

    group: str | Sequence[str]
    by: str | Sequence[str]
    statistic: str | Sequence[str]
    quantile: float | Sequence[float]
    align: Align
    bins: int | None
    bin_size: int | None
    duplicates: Duplicates
    ci: float | None
    bootstrap: int
    seed: int


class Options(AggregateOptions, OpenOptions, total=False):
    """These and those of ``open``."""


@dataclass
class Aggregation:
    """The rows, sorted by group, tag and step, and what there is to be said of them.

    ``lacking`` has, for each group and tag, how many of its runs have the tag, if not all have it;
    ``left_out`` are runs that are in no group.
    """

    schema: pa.Schema
    results: Results
    names: list[str]  # of statistics
    single: bool  # all runs are one group
    duplicates: int = 0
    nans: int = 0
    left_out: list[str] = field(default_factory=list)
    lacking: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def to_reader(self) -> pa.RecordBatchReader:
        """The rows."""
        return pa.RecordBatchReader.from_batches(self.schema, self.results.batches(self.schema))

    def notes(self, duplicates: str) -> list[str]:
        """What a reader of the rows should know, in lines."""
        found = []
        if self.lacking:
            some = [
                f"{tag} ({have} of {all_} runs{'' if self.single else f' of {group}'})"
                for (group, tag), (have, all_) in sorted(self.lacking.items())
            ]
            found.append(f"tags that some runs lack: {_few(some)}")
        if self.left_out:
            found.append(f"{len(self.left_out):,} runs in no group: {_few(sorted(self.left_out))}")
        if self.duplicates:
            found.append(f"{self.duplicates:,} duplicates: kept {duplicates}")
        if self.nans:
            values = "value is" if self.nans == 1 else "values are"
            found.append(f"{self.nans:,} {values} NaN, which no statistic counts (column nans)")
        return found


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


def aggregate(logs: LogsOrPaths, **options: Unpack[Options]) -> pa.Table:
    """Statistics of scalars over runs: a row per group of runs, tag and step.

    ``logs`` is what ``open`` gives or takes, and options may be those of ``open``. Besides:

    * ``group``: globs, or regular expressions (with a ``(``), of whole names of runs; their named
      groups become columns. ``by``: hyperparameters instead. Default: all runs are one group.
    * ``statistic``: some of ``mean std sem median min max iqm`` and ``count``, which is always
      there; default: all. ``quantile``: between 0 and 1, a column ``q0.1`` for each.
    * ``align``: steps as they are (``exact``); values on straight lines between a run's points at
      all steps that any run has, or at ``bins`` steps, or at multiples of ``bin_size``
      (``interpolate``), never beyond the run's ends; the mean of a run in each of ``bins`` bins,
      or in bins of ``bin_size`` steps (``bin``).
    * ``duplicates``: what becomes of several values of a run at a step, as for ``export``.
    * ``ci``: columns ``ci_low`` and ``ci_high``, the interval of this level of the mean, by
      ``bootstrap`` samples (1000) drawn with ``seed`` (0); null for less than two runs.

    ``count`` is the number of runs with a number there, ``nans`` that of runs with NaN;
    ``wall_time`` is the latest of theirs.

    Raises what ``open`` raises, UsageError or one of its kind for what makes no sense, and
    NothingFoundError if there are no scalars, or no run is in a group.
    """
    with aggregated(logs, **options) as made:
        return made.to_reader().read_all()


def aggregate_events(
    logs: LogsOrPaths,
    output: str | os.PathLike[str],
    *,
    exact: bool = False,
    force: bool = False,
    **options: Unpack[Options],
) -> Written:
    """Write the statistics of ``aggregate`` to a new logdir, a run for each: ``lr=0.1/mean``.

    Of a single group of all runs, ``mean``. Null is left out, but NaN is written for the mean of
    nothing but NaN. ``exact`` and ``force`` are those of ``write``, which says what is raised.
    """
    tables = opened(logs, _of(OpenOptions, options))
    check_target(Path(output), tables.inputs, force, folder=True)
    with aggregated(tables, **_of(AggregateOptions, options)) as made:
        return write_events(made, Path(output), tables.inputs, exact, force)


def write_events(
    made: Aggregation, output: Path, inputs: Sequence[str], exact: bool, force: bool
) -> Written:
    """Write rows of statistics as event files: see ``aggregate_events``."""
    target = target_of("scalars", ())
    data = Given(target.spec.schema, _event_rows(made, target.spec.schema))
    return write_logdir([(target, data)], output, exact=exact, inputs=inputs, force=force)


def _event_rows(made: Aggregation, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in made.to_reader():
        rows = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
        for name in made.names:
            value = pl.col(name).cast(pl.Float64)
            if name == "mean":
                nothing = pl.col("count") == 0
                value = pl.when(nothing).then(float("nan")).otherwise(value)
            group = pl.col("group").cast(pl.String)
            run = pl.lit(name) if made.single else group + f"/{name}"
            some = rows.select(
                run=run, tag=pl.col("tag").cast(pl.String), step="step", wall_time="wall_time",
                value=value,
            ).drop_nulls()  # fmt: skip
            yield from some.to_arrow().cast(schema).to_batches()


@contextmanager
def aggregated(
    logs: LogsOrPaths,
    *,
    group: str | Sequence[str] = (),
    by: str | Sequence[str] = (),
    statistic: str | Sequence[str] = (),
    quantile: float | Sequence[float] = (),
    align: Align = "exact",
    bins: int | None = None,
    bin_size: int | None = None,
    duplicates: Duplicates = "last",
    ci: float | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
    **options: Unpack[OpenOptions],
) -> Iterator[Aggregation]:
    """The rows of ``aggregate`` while the context lasts, in bounded memory."""
    group, by, wanted = _texts(group), _texts(by), _texts(statistic) or STATISTICS
    quantiles = [quantile] if isinstance(quantile, int | float) else [*dict.fromkeys(quantile)]
    for name in wanted:
        if name not in STATISTICS:
            raise UnknownNameError("statistic", name, STATISTICS)
    check_duplicates(duplicates)
    _check(group, by, quantiles, align, bins, bin_size, ci, bootstrap)
    tables = opened(logs, options)
    groups = by_hparams(tables, by) if by else by_name(group)
    names = [each for each in STATISTICS if each in wanted or each == "count"]
    names += [quantile_name(q) for q in quantiles] + list(INTERVAL if ci is not None else ())
    intervals = None if ci is None else Bootstrap(ci, bootstrap, seed)
    with scratch() as folder, Results(folder) as results:
        made = Aggregation(_schema(groups, names), results, names, single=not (group or by))
        with interruptible(results.interrupt):
            points = _points(tables, groups, made, folder, align, bins, bin_size, duplicates)
            for frame in points:
                rows = collected(frame)
                made.nans += int(rows["nans"].sum())
                rows = statistics(rows, wanted, quantiles)
                results.add((rows if intervals is None else intervals.intervals(rows)).select(
                    "group", "tag", "step", "wall_time", "nans", *names
                ))  # fmt: skip
            yield made


def _points(
    tables: TableSet, groups: Groups, made: Aggregation, folder: Path, align: str,
    bins: int | None, bin_size: int | None, duplicates: str,
) -> Iterator[pl.DataFrame]:  # fmt: skip
    """The values of runs at common steps, those of one tag and step in one frame."""
    reading = Reading(tables["scalars"], groups.number)
    final = first = Buckets(folder / "points", BY_POINT)
    grid = None
    if align != "exact":
        first = Buckets(folder / "series", BY_SERIES)
        grid = Grid(bins, bin_size, align == "interpolate")
    for frame in reading.frames():
        first.add(frame)
        if grid is not None:
            grid.add(frame)
    made.left_out = groups.left_out
    if not reading.series:
        raise NothingFoundError(_nothing(groups))
    if grid is not None:
        grid.check()
        for frame in first.frames():
            single, more = one_value(frame, duplicates)
            made.duplicates += more
            for aligned in [grid.binned(single)] if align == "bin" else grid.interpolated(single):
                final.add(aligned)
    _tell_lacking(reading, groups, made)
    made.results.name(list(groups.numbers), groups.values, list(reading.tags))
    group_of = pl.Series("group", reading.groups, dtype=pl.Int32)
    for frame in final.frames():
        if grid is None:
            frame, more = one_value(frame, duplicates)
            made.duplicates += more
        if frame.height:
            yield frame.with_columns(group=group_of.gather(frame["run"]))


def _nothing(groups: Groups) -> str:
    if not groups.left_out:
        return "there are no scalars to aggregate"
    return f"{groups.what} matches no run with scalars; there are {_few(sorted(groups.left_out))}"


def _tell_lacking(reading: Reading, groups: Groups, made: Aggregation) -> None:
    names, tags = list(groups.numbers), list(reading.tags)
    runs: dict[int, set[int]] = {}
    having: dict[tuple[int, int], int] = {}
    for run, tag in reading.series:
        group = reading.groups[run]
        runs.setdefault(group, set()).add(run)
        having[group, tag] = having.get((group, tag), 0) + 1
    for (group, tag), have in having.items():
        if have < len(runs[group]):
            made.lacking[names[group], tags[tag]] = have, len(runs[group])


def _schema(groups: Groups, names: Sequence[str]) -> pa.Schema:
    keys = [pa.field("group", LABEL, nullable=False), *groups.columns]
    keys += [pa.field("tag", LABEL), pa.field("step", pa.int64(), nullable=False)]
    keys += [pa.field("wall_time", pa.float64())]
    counts = {"count": pa.int64(), "nans": pa.int64()}
    rest = [name for name in names if name != "count"]
    return pa.schema([*keys, *counts.items(), *((name, pa.float64()) for name in rest)])


def _texts(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _of(kind: type, options: Options) -> Any:
    return {name: options[name] for name in options if name in kind.__annotations__}  # type: ignore[literal-required]


def _check(
    group: Sequence[str], by: Sequence[str], quantiles: Sequence[float], align: str,
    bins: int | None, bin_size: int | None, ci: float | None, bootstrap: int,
) -> None:  # fmt: skip
    if group and by:
        raise UsageError("--group and --by both say what belongs together: give one")
    if align not in get_args(Align):
        raise UnknownNameError("alignment", align, get_args(Align))
    for q in quantiles:
        if not 0 <= q <= 1:
            raise UsageError(f"a quantile is between 0 and 1, not {q:g}")
    if bins is not None and bin_size is not None:
        raise UsageError("--bins and --bin-size both say how wide a bin is: give one")
    if align == "exact" and (bins is not None or bin_size is not None):
        raise UsageError("--bins and --bin-size are for --align bin or interpolate")
    if align == "bin" and bins is None and bin_size is None:
        raise UsageError("--align bin needs --bins N or --bin-size STEPS")
    for name, number in (("--bins", bins), ("--bin-size", bin_size), ("--bootstrap", bootstrap)):
        if number is not None and number < 1:
            raise UsageError(f"{name} is at least 1, not {number}")
    if ci is not None and not 0 < ci < 1:
        raise UsageError(f"--ci is between 0 and 1, such as 0.95, not {ci:g}")
