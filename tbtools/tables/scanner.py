"""The columns that somebody asked for, of the rows that pass: what a LazyTable's users call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import pyarrow as pa

from tbtools.errors import UnknownNameError, UsageError

__all__ = ["Scanner", "check_tuning", "checked_columns", "larger"]

#: What pyarrow's scanners take beside columns and filter: it tunes them, and changes no row.
TUNING = frozenset(
    {
        "batch_readahead",
        "batch_size",
        "cache_metadata",
        "fragment_readahead",
        "fragment_scan_options",
        "memory_pool",
        "use_threads",
    }
)

WORTH_ROWS = 1 << 12
WORTH_BYTES = 1 << 20

#: Batches with at least these columns.
Passing = Callable[[Sequence[str]], Iterable[pa.RecordBatch]]


def check_tuning(names: Iterable[str]) -> None:
    """Raises TypeError for an argument that pyarrow's scanners do not take either."""
    for name in names:
        if name not in TUNING:
            raise TypeError(f"a scan takes no argument {name!r}")


def checked_columns(columns: Sequence[str] | None, schema: pa.Schema) -> list[str]:
    """The names of these columns; None: of all. Raises UnknownNameError, UsageError for no list."""
    if isinstance(columns, dict | str):
        raise UsageError("columns are a list of names; computed ones need SQL or polars")
    names = list(schema.names if columns is None else columns)
    for name in names:
        if name not in schema.names:
            raise UnknownNameError("column", name, schema.names)
    return names


class Scanner:
    """What pyarrow's Scanner offers, without its background threads: batches are pulled.

    A real Scanner over a Python generator keeps threads that may outlive the interpreter. Raises
    UnknownNameError for a column that does not exist, and UsageError for a limit below zero.
    """

    def __init__(
        self,
        schema: pa.Schema,
        passing: Passing,
        columns: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> None:
        names = checked_columns(columns, schema)
        if limit is not None and limit < 0:
            raise UsageError(f"a limit of {limit} rows makes no sense")
        self._passing = passing
        self._names = names
        self._limit = limit
        self.dataset_schema = schema
        self.projected_schema = pa.schema([schema.field(name) for name in names])

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        """The rows; pulled, one batch at a time."""
        left = self._limit
        if left == 0:
            return
        for batch in self._passing(self._names):
            rows = batch.num_rows if left is None else min(left, batch.num_rows)
            if rows:
                yield batch.select(self._names).slice(0, rows)
            if left is not None:
                left -= rows
                if not left:
                    return

    def to_reader(self) -> pa.RecordBatchReader:
        """The rows as a stream."""
        return pa.RecordBatchReader.from_batches(self.projected_schema, self.to_batches())

    def to_table(self) -> pa.Table:
        """The rows in memory."""
        return pa.Table.from_batches(self.to_batches(), self.projected_schema)

    def head(self, num_rows: int) -> pa.Table:
        """The first rows."""
        return Scanner(self.dataset_schema, self._passing, self._names, num_rows).to_table()

    def count_rows(self) -> int:
        """How many rows there are."""
        return sum(batch.num_rows for batch in self.to_batches())


def larger(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
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
