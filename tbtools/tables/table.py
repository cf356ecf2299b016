"""Lazy tables: columns and filters are pushed into them.

A LazyTable is a ``pyarrow.dataset.Dataset``, so that DuckDB, polars and pyarrow scan it as they
scan Parquet; through Arrow's C stream interface everything else takes it, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import pyarrow.dataset as pads

from tbtools.errors import UnsupportedError, UsageError
from tbtools.schema import plain, plain_schema
from tbtools.selection import Filter, KeysOnly, Selection
from tbtools.tables.filters import Both, filter_of
from tbtools.tables.scanner import Scanner, check_tuning, checked_columns, larger
from tbtools.tables.shown import html_of_table

if TYPE_CHECKING:
    import pandas
    import polars as pl

__all__ = ["Batches", "Condition", "LazyTable", "Rows", "Tables"]

#: Gives batches with at least the selected columns of a table; rows that cannot pass the filter
#: may be left out.
Rows = Callable[[Selection], Iterable[pa.RecordBatch]]

#: Reads batches with at least the named columns of a table (None: all).
Batches = Callable[[Sequence[str] | None], Iterable[pa.RecordBatch]]

#: What a filter may be: a ``pyarrow.dataset.Expression`` or a polars expression.
Condition = Any


class LazyTable(pads.Dataset):  # type: ignore[misc]  # pyarrow has no types
    """A table that is read when it is asked for, and only as far as it is asked for.

    ``schema`` may be a function, if finding out the columns means reading. Wherever ``columns``,
    ``filter`` and ``limit`` are taken, they are names of columns in the wanted order (None: all),
    a pyarrow or polars expression that rows have to pass, and the number of rows to stop at. They
    raise UnknownNameError for a column that does not exist, UsageError for what is no filter.
    """

    # pyarrow's class is a shell around a C++ object, which is never made here: whatever its users
    # call is overridden below, since it would crash.
    def __init__(
        self,
        name: str,
        schema: pa.Schema | Callable[[], pa.Schema],
        rows: Rows,
        selection: Selection | None = None,
        condition: Filter | None = None,
    ) -> None:
        self.name = name
        self._known_schema = schema
        self._rows = rows
        self._selection = selection or Selection()
        self._condition = condition

    @property
    def schema(self) -> pa.Schema:
        """Columns and types."""
        if not isinstance(self._known_schema, pa.Schema):
            self._known_schema = self._known_schema()
        return self._known_schema

    def __repr__(self) -> str:
        columns = ", ".join(f"{field.name} {field.type}" for field in plain_schema(self.schema))
        return f"<tbtools table {self.name}: {columns}>"

    def _repr_html_(self) -> str:
        return html_of_table(self.name, self.schema)

    # --- reading -----------------------------------------------------------------------------

    def scanner(
        self,
        columns: Sequence[str] | None = None,
        filter: Condition | None = None,
        **tuning: Any,
    ) -> Scanner:
        """What DuckDB and pyarrow call: the named columns of the rows that pass the filter.

        Further arguments are those with which pyarrow tunes its scanners; they change nothing.
        """
        return self._scanner(columns, filter, None, tuning)

    def to_reader(
        self,
        columns: Sequence[str] | None = None,
        filter: Condition | None = None,
        limit: int | None = None,
    ) -> pa.RecordBatchReader:
        """A stream of record batches, decoded while it is read."""
        return self._scanner(columns, filter, limit).to_reader()

    def to_batches(
        self,
        columns: Sequence[str] | None = None,
        filter: Condition | None = None,
        limit: int | None = None,
        **tuning: Any,
    ) -> Iterator[pa.RecordBatch]:
        """The batches of ``to_reader``."""
        return self._scanner(columns, filter, limit, tuning).to_batches()

    def to_table(
        self,
        columns: Sequence[str] | None = None,
        filter: Condition | None = None,
        limit: int | None = None,
        **tuning: Any,
    ) -> pa.Table:
        """All rows in memory."""
        return self._scanner(columns, filter, limit, tuning).to_table()

    def to_pandas(
        self,
        columns: Sequence[str] | None = None,
        filter: Condition | None = None,
        limit: int | None = None,
    ) -> pandas.DataFrame:
        """A pandas DataFrame; run and tag are categories. Raises UsageError without pandas."""
        try:
            import pandas  # noqa: F401
        except ImportError:
            raise UsageError(
                "to_pandas needs pandas: pip install 'tbtools-tfevents[pandas]' "
                "(to_polars and to_table need nothing more)"
            ) from None
        return self.to_table(columns, filter, limit).unify_dictionaries().to_pandas()

    def to_polars(
        self,
        columns: Sequence[str] | None = None,
        filter: Condition | None = None,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """A polars DataFrame; run and tag are strings."""
        import polars as pl

        return pl.DataFrame(pl.from_arrow(plain(self.to_table(columns, filter, limit))))

    def lazy(
        self,
        columns: Sequence[str] | None = None,
        filter: Condition | None = None,
        limit: int | None = None,
    ) -> pl.LazyFrame:
        """A polars LazyFrame that pushes columns, predicates and row limits into the reading."""
        from tbtools.tables.frames import lazy_frame

        names_wanted = checked_columns(columns, self.schema)
        table = self.filter(filter)

        def batches(
            names: list[str] | None, predicate: pl.Expr | None, rows: int | None
        ) -> Iterator[pa.RecordBatch]:
            return table.to_batches(names, predicate, rows)

        return lazy_frame(self.schema, batches, names_wanted, limit)

    def head(
        self,
        num_rows: int,
        columns: Sequence[str] | None = None,
        filter: Condition | None = None,
        **tuning: Any,
    ) -> pa.Table:
        """The first rows; no more is read than they need."""
        return self._scanner(columns, filter, num_rows, tuning).to_table()

    def count_rows(self, filter: Condition | None = None, **tuning: Any) -> int:
        """How many rows there are."""
        return self._scanner([], filter, None, tuning).count_rows()

    def _scanner(
        self,
        columns: Sequence[str] | None,
        filter: Condition | None,
        limit: int | None,
        tuning: Iterable[str] = (),
    ) -> Scanner:
        check_tuning(tuning)
        table = self if filter is None else self.filter(filter)
        return Scanner(table.schema, table._passing, columns, limit)

    def _passing(self, names: Sequence[str]) -> Iterable[pa.RecordBatch]:
        """Batches of the rows that pass, with these columns at least."""
        condition = self._condition
        batches = self._rows(self._selection.narrowed({self.name: names}, condition))
        return batches if condition is None else map(condition.apply, larger(batches))

    def __arrow_c_schema__(self) -> Any:
        """Arrow's C schema."""
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Arrow's C stream, which polars, pandas, DuckDB, ibis and nanoarrow take.

        Labels are strings there, unless dictionaries are requested.
        """
        wanted = plain_schema(self.schema)
        if requested_schema is not None:
            wanted = pa.schema(_Requested(requested_schema))
        batches = (_as(batch, wanted) for batch in self.to_batches(wanted.names))
        return pa.RecordBatchReader.from_batches(wanted, batches).__arrow_c_stream__()

    # --- tables made of this one -------------------------------------------------------------

    def filter(self, expression: Condition | None) -> LazyTable:
        """The rows that also pass this filter, as a lazy table."""
        extra = filter_of(expression, self.schema)
        if extra is None:
            return self
        condition = extra if self._condition is None else Both(self._condition, extra)
        return LazyTable(self.name, self.schema, self._rows, self._selection, condition)

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

        def rows(selection: Selection) -> Iterable[pa.RecordBatch]:
            keys = None if selection.filter is None else KeysOnly(selection.filter)
            return made(self._rows(self._selection.narrowed({self.name: None}, keys)))

        return LazyTable(name, schema, rows)

    def read_again(
        self,
        name: str,
        schema: pa.Schema,
        made: Callable[[Batches], Iterable[pa.RecordBatch]],
    ) -> LazyTable:
        """A table that is made of this one as ``derived`` is, in several readings.

        ``made`` is given what reads the named columns (None: all), as often as it is called.
        """

        def rows(selection: Selection) -> Iterable[pa.RecordBatch]:
            condition = self._condition
            if selection.filter is not None:
                keys = KeysOnly(selection.filter)
                condition = keys if condition is None else Both(condition, keys)

            def batches(columns: Sequence[str] | None) -> Iterable[pa.RecordBatch]:
                found = self._rows(self._selection.narrowed({self.name: columns}, condition))
                if self._condition is None:
                    return found
                return map(self._condition.apply, larger(found))

            return made(batches)

        return LazyTable(name, schema, rows)

    def _in_memory(self) -> pads.InMemoryDataset:
        return pads.InMemoryDataset(plain(self.to_table()))

    def take(self, indices: Any, **tuning: Any) -> pa.Table:
        """The rows at these places. Reads all rows into memory."""
        check_tuning(tuning)
        return self.to_table().take(indices)

    def sort_by(self, sorting: str | list[tuple[str, str]], **options: Any) -> pads.Dataset:
        """The rows sorted, as a dataset in memory: see ``pyarrow.dataset.Dataset.sort_by``."""
        return self._in_memory().sort_by(sorting, **options)

    def join(self, right_dataset: pads.Dataset, *args: Any, **options: Any) -> pads.Dataset:
        """Joined in memory: see ``pyarrow.dataset.Dataset.join``."""
        return self._in_memory().join(_in_memory(right_dataset), *args, **options)

    def join_asof(self, right_dataset: pads.Dataset, *args: Any, **options: Any) -> pads.Dataset:
        """Joined in memory: see ``pyarrow.dataset.Dataset.join_asof``."""
        return self._in_memory().join_asof(_in_memory(right_dataset), *args, **options)

    def get_fragments(self, filter: Condition | None = None) -> Iterator[pads.Fragment]:
        """Raises UnsupportedError: a run's files are no fragments that pyarrow could read."""
        raise UnsupportedError(f"the table {self.name} has no fragments; scan it: to_batches()")

    def replace_schema(self, schema: pa.Schema) -> pads.Dataset:
        """Raises UnsupportedError: columns and types are those of the table."""
        raise UnsupportedError(
            f"the schema of {self.name} cannot be replaced; cast what to_table() gives"
        )

    @property
    def partition_expression(self) -> pads.Expression:
        """True: nothing is known of all rows."""
        return pads.scalar(True)

    def __reduce__(self) -> Any:
        raise UnsupportedError(
            f"the table {self.name} cannot be pickled; send paths and open them there, "
            "or to_table()"
        )


class Tables(Protocol):
    """Tables by name that can be read in one pass: ``Logs``."""

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables."""

    @property
    def views(self) -> tuple[str, ...]:
        """The names of the views."""

    def __getitem__(self, name: str) -> LazyTable:
        """The table or view of this name."""

    def __iter__(self) -> Iterator[str]:
        """Their names."""

    def __contains__(self, name: object) -> bool:
        """Whether there is a table of this name."""

    def view(self, name: str, *, weight: float | None = None) -> LazyTable:
        """A view, with a weight if it takes one."""

    def scan(self, tables: Iterable[str]) -> Iterator[tuple[str, pa.RecordBatch]]:
        """The batches of these tables, with their names."""


class _Requested:
    """A capsule with a requested schema, in the form in which pyarrow takes it."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __arrow_c_schema__(self) -> Any:
        return self._capsule


def _as(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    return batch if batch.schema.equals(schema) else batch.cast(schema)


def _in_memory(dataset: Any) -> Any:
    return dataset._in_memory() if isinstance(dataset, LazyTable) else dataset
