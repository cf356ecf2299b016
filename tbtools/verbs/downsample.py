"""``downsample``: fewer points of the same shape, from logs or any table, to files or a table."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Unpack, get_args, overload

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.decode.kind import UNCLAIMED
from tbtools.errors import UnknownNameError, UsageError
from tbtools.kinds import all_kinds
from tbtools.output.datasets import write_dataset
from tbtools.output.event_files import Names
from tbtools.output.event_rows import target_of, targets, write_logdir
from tbtools.output.given import Given, Target, batches_for, given, is_number, names_of, recognised
from tbtools.output.targets import check_target
from tbtools.runs.catalog import CATALOG, TAGS
from tbtools.tables.logdir import all_specs
from tbtools.tables.logs import OpenOptions, TableSet, opened
from tbtools.tables.table import LazyTable
from tbtools.tables.views.specs import DOWNSAMPLE, METHOD
from tbtools.tables.views.thinning import Method, Thinning

__all__ = ["Downsampled", "DownsampledFormat", "downsample"]

DownsampledFormat = Literal["tfevents", "parquet"]

SCALARS = "scalars"

#: What is written with the nodes that it is of.
FOLLOW = ("graph_edges",)


@dataclass
class Downsampled:
    """What was written: rows by table before and after, of those that had any.

    ``dropped_odd`` values that are NaN or infinite were left out. ``rounded`` scalars are not what
    they were, since float32 does not hold them. ``left_out`` are tables that had rows and cannot be
    written to event files.
    """

    path: Path
    before: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    dropped_odd: int = 0
    rounded: int = 0
    left_out: list[str] = field(default_factory=list)


@overload
def downsample(
    data: Any,
    output: None = None,
    *,
    points: int,
    method: Method = ...,
    tables: Iterable[str] | None = None,
    **options: Unpack[OpenOptions],
) -> pa.Table: ...


@overload
def downsample(
    data: Any,
    output: str | os.PathLike[str],
    *,
    points: int,
    method: Method = ...,
    tables: Iterable[str] | None = None,
    format: DownsampledFormat = ...,
    exact: bool = False,
    force: bool = False,
    **options: Unpack[OpenOptions],
) -> Downsampled: ...


def downsample(
    data: Any,
    output: str | os.PathLike[str] | None = None,
    *,
    points: int,
    method: Method = METHOD,  # type: ignore[assignment]
    tables: Iterable[str] | None = None,
    format: DownsampledFormat = "tfevents",
    exact: bool = False,
    force: bool = False,
    **options: Unpack[OpenOptions],
) -> pa.Table | Downsampled:
    """Leave at most ``points`` of each run and tag.

    ``data`` is what ``open`` gives or takes, with its ``options``, or one table: of pyarrow,
    polars, pandas or DuckDB, or one of ``open(...)``. A table needs ``step``; with ``value``, it is
    thinned as scalars are, and keeps its other columns; ``step`` and a column of numbers per tag
    become rows of scalars. Without ``run`` or ``tag``, all rows are of one.

    The first and the last point always stay. ``m4`` keeps of each stretch the first, last, smallest
    and largest point, ``minmax`` the last two, ``lttb`` the one that makes the largest triangle
    (Steinarsson 2013), ``stride`` every n-th, ``reservoir`` a random sample (the same each time);
    ``mean`` makes one of each stretch: the means of its values, wall times and steps, these rounded
    to a whole number. What is no scalar is thinned by stride or reservoir, event by event; tables
    that are of a run as a whole, ``messages`` and ``events`` are left as they are. Values that are
    NaN or infinite are thinned apart from the others (docs/design.md, "Downsampling").

    Without ``output`` the rows come as a table: those of scalars, or of the one in ``tables``.
    With it, ``tables`` (by default all) are written to a new logdir, or as ``format="parquet"`` to
    a dataset; ``exact`` and ``force`` are those of ``write``.

    Raises UsageError or one of its kind for what makes no sense, TargetExistsError without
    ``force``, and NothingFoundError if there are no rows.
    """
    if format not in get_args(DownsampledFormat):
        raise UnknownNameError("format", format, get_args(DownsampledFormat))
    thinning = Thinning(points, method)
    source: _Logs | _Table
    if _is_logs(data):
        source = _Logs(opened(data, options), tables, thinning)
    elif options or tables is not None:
        names = [*options, *(["tables"] if tables is not None else [])]
        raise UsageError(f"{', '.join(names)}: these are for logs, and this is one table")
    else:
        source = _Table(data, thinning)
    if output is None:
        made = source.table()
        if thinning.dropped_odd:
            warnings.warn(
                f"{thinning.dropped_odd:,} values that are NaN or infinite were left out",
                stacklevel=2,
            )
        return made
    target = Path(output)
    check_target(target, source.inputs, force, folder=True)
    done = Downsampled(target)
    if format == "parquet":
        done.rows = write_dataset(source.for_dataset(), target, inputs=source.inputs, force=force)
    else:
        written = write_logdir(
            source.for_logdir(),
            target,
            names=source.names(),
            exact=exact,
            inputs=source.inputs,
            force=force,
        )
        done.rows = {name: rows for name, rows in written.rows.items() if rows}
        done.rounded = written.rounded
        done.left_out = sorted(source.left_out)
    done.before = {name: rows for name, rows in source.before.items() if rows}
    done.dropped_odd = thinning.dropped_odd
    return done


def _is_logs(data: Any) -> bool:
    if isinstance(data, TableSet | str | os.PathLike):
        return True
    return isinstance(data, Sequence) and all(isinstance(each, str | os.PathLike) for each in data)


class _Logs:
    """The tables of logs, thinned."""

    def __init__(self, logs: TableSet, tables: Iterable[str] | None, thinning: Thinning) -> None:
        self.before: dict[str, int] = {}
        self.left_out: list[str] = []
        self._logs = logs
        self._wanted = None if tables is None else [*dict.fromkeys(tables)]
        self._thinning = thinning
        for name in self._wanted or ():
            logs.schema_of(name)
            if name in CATALOG:
                raise UsageError(f"the table {name!r} says what there is: it has no points")

    @property
    def inputs(self) -> Sequence[str]:
        """The folders and files that are read."""
        return self._logs.inputs

    def table(self) -> pa.Table:
        """The rows of one table."""
        names = self._wanted or [SCALARS]
        if len(names) != 1:
            raise UsageError(f"{', '.join(names)}: without an output, name one table")
        schema = self._logs.schema_of(names[0])
        if not _has_points(names[0], schema):
            raise UsageError(f"the table {names[0]!r} has no points that could be fewer")
        return pa.Table.from_batches(self._thinned(names[0]), schema).unify_dictionaries()

    def names(self) -> Names:
        """What is known of the tags of runs."""
        if TAGS.name not in self._logs.tables:
            return {}
        batches = self._logs[TAGS.name].to_batches()
        return names_of(row for batch in batches for row in batch.to_pylist())

    def for_dataset(self) -> Iterator[tuple[str, pa.Schema, Iterable[pa.RecordBatch]]]:
        """All that is to be written."""
        for name in self._present():
            yield name, self._logs.schema_of(name), self._rows(name)

    def for_logdir(self) -> Iterator[tuple[Target, Given]]:
        """What can be written to event files. In ``left_out`` is then what cannot."""
        for name in self._wanted or ():
            target_of(name, all_specs())
        for name in self._present():
            if name in targets():
                yield (
                    target_of(name, all_specs()),
                    Given(self._logs.schema_of(name), self._rows(name)),
                )
            elif name not in FOLLOW and self._logs[name].head(1, columns=["run"]).num_rows:
                self.left_out.append(name)

    def _present(self) -> Iterator[str]:
        """The tables that have rows, and perhaps others, as far as they are wanted."""
        known = [name for name in self._logs.tables if name not in CATALOG]
        if self._wanted is not None:
            known = [name for name in known if name in self._wanted]
        if known == [SCALARS]:
            yield SCALARS
            return
        told = self._told()
        for name in known:
            if name != UNCLAIMED.name and (told is None or name in told):
                yield name
        # What kinds refuse is only known once their tables were read.
        refused = any(health.undecoded for health in self._logs.health)
        if UNCLAIMED.name in known and (told is None or refused or UNCLAIMED.name in told):
            yield UNCLAIMED.name

    def _told(self) -> set[str] | None:
        """The tables of which there may be rows, by what runs hold; None if they do not say."""
        if "runs" not in self._logs.tables:
            return None
        rows = self._logs["runs"].to_table(columns=["tables"])["tables"].to_pylist()
        first = {name for names in rows for name in names}
        kinds = [{spec.name for spec in kind.tables} for kind in all_kinds()]
        beside = {*self._logs.tables}.difference(*kinds, {UNCLAIMED.name})
        return first.union(beside, *(names for names in kinds if names & first))

    def _rows(self, name: str) -> Iterator[pa.RecordBatch]:
        if _has_points(name, self._logs.schema_of(name)):
            yield from self._thinned(name)
            return
        self.before[name] = 0
        for batch in self._logs[name].to_batches():
            self.before[name] += batch.num_rows
            yield batch

    def _thinned(self, name: str) -> Iterator[pa.RecordBatch]:
        before = self._thinning.rows
        yield from _lazily(self._logs[name], self._thinning).to_batches()
        self.before[name] = self._thinning.rows - before


def _has_points(name: str, schema: pa.Schema) -> bool:
    """Whether there are rows of a table that may be left out."""
    return {"tag", "step"} <= {*schema.names} and name != UNCLAIMED.name


def _lazily(table: LazyTable, thinning: Thinning) -> LazyTable:
    """What stays of a table, read when it is asked for."""
    thin = thinning.scalars if table.schema.names == DOWNSAMPLE.schema.names else thinning.events
    return table.read_again(table.name, table.schema, lambda read: thin(read, table.schema))


class _Table:
    """One table, thinned."""

    inputs: Sequence[str] = ()
    left_out: Sequence[str] = ()

    def __init__(self, data: Any, thinning: Thinning) -> None:
        self.before: dict[str, int] = {}
        self._data = data
        self._thinning = thinning

    def table(self) -> pa.Table:
        """The rows that stay."""
        data = self._data
        if isinstance(data, LazyTable) and (
            data.schema.names == DOWNSAMPLE.schema.names or "value" not in data.schema.names
        ):
            if not _has_points(data.name, data.schema):
                raise UsageError(f"the table {data.name!r} has no points that could be fewer")
            made: pa.Table = _lazily(data, self._thinning).to_table()
            return made.unify_dictionaries()
        rows = _long(given(data))
        if "step" not in rows.schema.names:
            raise UsageError("downsample needs a column 'step'")
        keys = _keys_of(rows)
        if self._thinning.method == "mean" and "value" in keys.schema.names:
            return self._means(rows)
        if "value" not in keys.schema.names:
            numbered = keys.append_column("row", pa.arange(0, keys.num_rows))
            kept = self._thinning.events(
                lambda names: numbered.select(names or numbered.schema.names).to_batches(),
                numbered.schema,
            )
            return rows.take(pa.Table.from_batches(kept, numbered.schema)["row"])
        return rows.take(self._thinning.places(keys))

    def _means(self, rows: pa.Table) -> pa.Table:
        names = [name for name in DOWNSAMPLE.schema.names if name in rows.schema.names]
        tag = None if "tag" in names else ""
        scalars = replace(given(rows.select(names)), tag=tag)
        keys = pa.Table.from_batches(batches_for(targets()[SCALARS], scalars))
        means = self._thinning.scalars(
            lambda columns: keys.select(columns).to_batches(), DOWNSAMPLE.schema
        )
        return pa.Table.from_batches(means, DOWNSAMPLE.schema).unify_dictionaries().select(names)

    def names(self) -> Names:
        """A table says nothing about tags."""
        return {}

    def for_logdir(self) -> Iterator[tuple[Target, Given]]:
        """The rows that stay, as rows of the table that they are of."""
        made = self.table()
        target = recognised(made.schema, targets())
        self.before[target.spec.name] = self._thinning.rows
        yield target, given(made)

    def for_dataset(self) -> Iterator[tuple[str, pa.Schema, Iterable[pa.RecordBatch]]]:
        """The same for a dataset."""
        for target, rows in self.for_logdir():
            schema = target.spec.schema
            batches = (
                batch.select(schema.names).cast(schema) for batch in batches_for(target, rows)
            )
            yield target.spec.name, schema, batches


def _long(rows: Given) -> pa.Table:
    """The rows as a table; a column of numbers per tag becomes rows of scalars."""
    names = rows.schema.names
    if "step" in names and "value" not in names:
        with suppress(UsageError):
            target = recognised(rows.schema, targets())
            if target.wide:
                table = pa.Table.from_batches(batches_for(target, rows))
                if "wall_time" not in names:
                    table = table.drop_columns("wall_time")
                return table.unify_dictionaries()
    # pyarrow picks no rows of views, in which polars hands over its strings.
    return _without_views(pa.Table.from_batches(rows.batches, rows.schema))


def _without_views(table: pa.Table) -> pa.Table:
    plain = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
    fields = [field.with_type(plain.get(field.type, field.type)) for field in table.schema]
    return table.cast(pa.schema(fields, table.schema.metadata))


def _keys_of(rows: pa.Table) -> pa.Table:
    """The columns that rows are chosen by, in the types that scalars have."""
    columns = {}
    for name in ("run", "tag"):
        column = rows[name] if name in rows.schema.names else pa.nulls(rows.num_rows, pa.string())
        columns[name] = column.cast(pa.string())
    columns["run"] = pc.fill_null(columns["run"], ".")
    for name in ("step", "value", "index"):
        if name in rows.schema.names:
            columns[name] = rows[name]
    if "value" in columns and not is_number(columns["value"].type):
        del columns["value"]  # that of text is a string
    try:
        columns["step"] = columns["step"].cast(pa.int64())
    except pa.ArrowException as error:
        raise UsageError(f"column 'step' cannot be int64: {str(error).splitlines()[0]}") from error
    if columns["step"].null_count:
        row = pc.index(columns["step"].is_null(), True).as_py()
        raise UsageError(f"row {row} has no step")
    return pa.table(columns).combine_chunks()
