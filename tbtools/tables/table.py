"""Lazy tables: columns and filters are pushed into them.

A LazyTable is a ``pyarrow.dataset.Dataset``, so that DuckDB, polars and pyarrow scan it as they
scan Parquet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.fs as pafs

from tbtools.schema import plain_schema
from tbtools.tables.parallel import Source, Survivors

if TYPE_CHECKING:
    import pandas
    import polars

__all__ = ["LazyTable", "Tables"]


WORTH_ROWS = 1 << 12
WORTH_BYTES = 1 << 20


class LazyTable(pads.Dataset):  # type: ignore[misc]  # pyarrow has no types
    """A table that is read when it is asked for, and only as far as it is asked for."""

    # pyarrow's class is a shell around a C++ object, which is never made here: all that its users
    # call is overridden below.
    def __init__(self, name: str, schema: pa.Schema, source: Source) -> None:
        self.name = name
        self._schema = schema
        self._source = source

    @property
    def schema(self) -> pa.Schema:
        """Columns and types."""
        return self._schema

    def __repr__(self) -> str:
        return f"<tbtools table {self.name}: {', '.join(self._schema.names)}>"

    def scanner(
        self,
        columns: Sequence[str] | None = None,
        filter: pads.Expression | None = None,
        **_: Any,
    ) -> _Scanner:
        """What DuckDB and pyarrow call: the named columns of the rows that pass the filter."""
        return _Scanner(self, columns, filter)

    def to_reader(
        self,
        columns: Sequence[str] | None = None,
        filter: pads.Expression | None = None,
    ) -> pa.RecordBatchReader:
        """A stream of record batches, decoded while it is read."""
        return self.scanner(columns, filter).to_reader()

    def to_batches(self, *args: Any, **kwargs: Any) -> Iterator[pa.RecordBatch]:
        """The batches of ``scanner(...)``."""
        return self.scanner(*args, **kwargs).to_batches()

    def to_table(self, *args: Any, **kwargs: Any) -> pa.Table:
        """All of ``scanner(...)`` in memory."""
        return self.scanner(*args, **kwargs).to_table()

    def head(self, num_rows: int, *args: Any, **kwargs: Any) -> pa.Table:
        """The first rows."""
        return self.scanner(*args, **kwargs).head(num_rows)

    def count_rows(self, *args: Any, **kwargs: Any) -> int:
        """How many rows there are."""
        return self.scanner(*args, **kwargs).count_rows()

    def to_pandas(self, columns: Sequence[str] | None = None) -> pandas.DataFrame:
        """A pandas DataFrame; run and tag are categories."""
        return self.to_table(columns).unify_dictionaries().to_pandas()

    def to_polars(self, columns: Sequence[str] | None = None) -> polars.DataFrame:
        """A polars DataFrame; run and tag are strings."""
        import polars as pl

        return pl.DataFrame(pl.from_arrow(_plain(self.to_table(columns))))

    def derived(
        self,
        name: str,
        schema: pa.Schema,
        made: Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]],
    ) -> LazyTable:
        """A table that is made of the batches of this one, whole runs and tags of it at least.

        A filter on its run and tag saves reading the others, so that its rows have to be those of
        the same run and tag.
        """
        return LazyTable(name, schema, lambda survivors: made(self._source(survivors)))

    def lazy(self) -> polars.LazyFrame:
        """A polars LazyFrame that pushes columns, predicates and row limits into the reading."""
        import polars as pl
        from polars.io.plugins import register_io_source

        plain = _plain(self._schema.empty_table())
        schema = pl.DataFrame(pl.from_arrow(plain)).schema

        def frames(
            columns: list[str] | None,
            predicate: pl.Expr | None,
            n_rows: int | None,
            batch_size: int | None,
        ) -> Iterator[pl.DataFrame]:
            left = n_rows
            for batch in self._source(None if predicate is None else _polars_survivors(predicate)):
                frame = pl.DataFrame(pl.from_arrow(_plain(pa.Table.from_batches([batch]))))
                if predicate is not None:
                    frame = frame.filter(predicate)
                if columns is not None:
                    frame = frame.select(columns)
                if left is not None:
                    frame = frame.head(left)
                    left -= frame.height
                yield frame
                if left == 0:
                    return

        return register_io_source(frames, schema=schema, validate_schema=True, is_pure=True)


class _Scanner:
    """What pyarrow's Scanner offers, without its background threads: batches are pulled.

    A real Scanner over a Python generator keeps threads that may outlive the interpreter.
    """

    def __init__(
        self, table: LazyTable, columns: Sequence[str] | None, condition: pads.Expression | None
    ) -> None:
        names = list(table.schema.names if columns is None else columns)
        self._table = table
        self._columns = names
        self._filter = condition
        self.dataset_schema = table.schema
        self.projected_schema = pa.schema([table.schema.field(name) for name in names])

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        survivors = None if self._filter is None else _arrow_survivors(self._filter, self._table)
        batches = self._table._source(survivors)
        for batch in batches if self._filter is None else _larger(batches):
            kept = batch if self._filter is None else batch.filter(self._filter)
            if kept.num_rows:
                yield kept.select(self._columns)

    def to_reader(self) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(self.projected_schema, self.to_batches())

    def to_table(self) -> pa.Table:
        return pa.Table.from_batches(self.to_batches(), self.projected_schema)

    def head(self, num_rows: int) -> pa.Table:
        found: list[pa.RecordBatch] = []
        left = num_rows
        for batch in self.to_batches():
            found.append(batch.slice(0, left))
            left -= found[-1].num_rows
            if left <= 0:
                break
        return pa.Table.from_batches(found, self.projected_schema)

    def count_rows(self) -> int:
        return sum(batch.num_rows for batch in self.to_batches())


class Tables(Protocol):
    """Tables by name that can be read in one pass: ``Logs``."""

    def __getitem__(self, name: str) -> LazyTable:
        """The table of this name."""

    def __iter__(self) -> Iterator[str]:
        """Their names."""

    def __contains__(self, name: object) -> bool:
        """Whether there is a table of this name."""

    def scan(self, tables: Iterable[str]) -> Iterator[tuple[str, pa.RecordBatch]]:
        """The batches of these tables, with their names."""


def _larger(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches that are worth setting up a filter for."""
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= WORTH_ROWS or size >= WORTH_BYTES:
            yield from _joined(waiting)
            waiting, rows, size = [], 0, 0
    yield from _joined(waiting)


def _joined(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    if len(batches) < 2:
        return batches
    table = pa.Table.from_batches(batches).unify_dictionaries()
    joined: list[pa.RecordBatch] = table.combine_chunks().to_batches()
    return joined


def _arrow_survivors(condition: pads.Expression, table: LazyTable) -> Survivors:
    """Arrow's own pruning, over fragments of which nothing is known but their run and tag."""
    text = str(condition)
    form = pads.ParquetFileFormat()
    local = pafs.LocalFileSystem()  # nothing is ever opened there

    def survive(column: str, values: Sequence[str], run: str | None = None) -> list[bool]:
        if column not in text and (run is None or "run" not in text):
            return [True] * len(values)
        fragments = []
        for index, value in enumerate(values):
            known = pads.field(column) == value
            if run is not None:
                known = known & (pads.field("run") == run)
            fragments.append(form.make_fragment(str(index), local, partition_expression=known))
        candidates = pads.FileSystemDataset(fragments, table.schema, form, local)
        left = {fragment.path for fragment in candidates.get_fragments(condition)}
        return [str(index) in left for index in range(len(values))]

    return survive


def _polars_survivors(predicate: polars.Expr) -> Survivors:
    """The parts of a conjunction that look at run and tag only, applied to candidates."""
    import polars as pl

    parts = _conjuncts(predicate)

    def survive(column: str, values: Sequence[str], run: str | None = None) -> list[bool]:
        names = {column} if run is None else {column, "run"}
        usable = [part for part in parts if set(part.meta.root_names()) <= names]
        usable = [part for part in usable if part.meta.root_names()]
        if not usable:
            return [True] * len(values)
        frame = pl.DataFrame({column: list(values)}, schema={column: pl.String})
        if run is not None:
            frame = frame.with_columns(run=pl.lit(run))
        passed = frame.select(pl.all_horizontal(usable).fill_null(False).alias("passed"))
        return list(passed["passed"])

    return survive


def _conjuncts(expression: polars.Expr) -> list[polars.Expr]:
    parts: list[polars.Expr] = []
    waiting = [expression]
    while waiting:
        each = waiting.pop()
        children = each.meta.pop()
        if len(children) == 2 and each.meta.eq(children[1] & children[0]):
            waiting += children
        else:
            parts.append(each)
    return parts


def _plain(table: pa.Table) -> pa.Table:
    return table.cast(plain_schema(table.schema))
