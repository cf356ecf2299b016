"""Conditions of engines as filters of a Selection: Arrow's, which DuckDB uses too, and polars'."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.fs as pafs

from tbtools.errors import UnknownNameError, UsageError
from tbtools.schema import plain
from tbtools.selection import Filter

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ArrowFilter", "Both", "PolarsFilter", "filter_of", "surviving"]


def surviving(
    candidates: Iterable[tuple[str, pads.Expression]],
    expression: pads.Expression,
    schema: pa.Schema,
) -> set[str]:
    """The candidates, (name, what is known of their rows), of which a row may pass.

    This is Arrow's own pruning, over fragments of which nothing but that is known.
    """
    form, nowhere = pads.ParquetFileFormat(), pafs.LocalFileSystem()  # nothing is opened there
    fragments = [
        form.make_fragment(name, nowhere, partition_expression=known) for name, known in candidates
    ]
    dataset = pads.FileSystemDataset(fragments, schema, form, nowhere)
    return {fragment.path for fragment in dataset.get_fragments(expression)}


class ArrowFilter:
    """A ``pyarrow.dataset.Expression`` over the columns of a schema."""

    def __init__(self, expression: pads.Expression, schema: pa.Schema) -> None:
        self.expression = expression
        self._schema = schema
        text = str(expression)
        # An expression does not say which fields it names; what its text contains are these.
        self.columns = frozenset(name for name in schema.names if name in text)

    def survivors(self, column: str, values: Sequence[str], run: str | None = None) -> list[bool]:
        """Whether Arrow can tell from run and tag that no row passes."""
        if column not in self.columns and (run is None or "run" not in self.columns):
            return [True] * len(values)
        candidates = []
        for index, value in enumerate(values):
            known = pads.field(column) == value
            if run is not None:
                known = known & (pads.field("run") == run)
            candidates.append((str(index), known))
        left = surviving(candidates, self.expression, self._schema)
        return [str(index) in left for index in range(len(values))]

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that pass."""
        return batch.filter(self.expression)


class PolarsFilter:
    """A polars expression over the columns of a schema."""

    def __init__(self, predicate: pl.Expr, schema: pa.Schema) -> None:
        self.predicate = predicate
        self._schema = schema

    @cached_property
    def columns(self) -> frozenset[str]:
        """The columns that it looks at."""
        names = self.predicate.meta.root_names()
        # Selectors such as polars.all() name none: whatever has none may look at all.
        return frozenset(names) & set(self._schema.names) or frozenset(self._schema.names)

    @cached_property
    def _parts(self) -> list[pl.Expr]:
        """What has to be true all together."""
        parts: list[pl.Expr] = []
        waiting = [self.predicate]
        while waiting:
            each = waiting.pop()
            children = each.meta.pop()
            if len(children) == 2 and each.meta.eq(children[1] & children[0]):
                waiting += children
            else:
                parts.append(each)
        return parts

    def survivors(self, column: str, values: Sequence[str], run: str | None = None) -> list[bool]:
        """The parts of a conjunction that look at run and tag only, applied to candidates."""
        import polars as pl

        names = {column} if run is None else {column, "run"}
        usable = [part for part in self._parts if set(part.meta.root_names()) <= names]
        usable = [part for part in usable if part.meta.root_names()]
        if not usable:
            return [True] * len(values)
        frame = pl.DataFrame({column: list(values)}, schema={column: pl.String})
        if run is not None:
            frame = frame.with_columns(run=pl.lit(run))
        passed = frame.select(pl.all_horizontal(usable).fill_null(False).alias("passed"))
        return list(passed["passed"])

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that pass."""
        import polars as pl

        looked_at = [name for name in batch.schema.names if name in self.columns]
        table = plain(pa.Table.from_batches([batch.select(looked_at)]))
        frame = pl.DataFrame(pl.from_arrow(table))
        try:
            mask = frame.select(self.predicate.alias("passed"))["passed"]
        except pl.exceptions.PolarsError as error:
            raise UsageError(f"polars refuses the filter: {str(error).splitlines()[0]}") from error
        return batch.filter(mask.fill_null(False).to_arrow())


class Both:
    """Two filters, both of which rows have to pass."""

    def __init__(self, *filters: Filter) -> None:
        self.filters = filters
        self.columns: frozenset[str] = frozenset().union(*(each.columns for each in filters))

    def survivors(self, column: str, values: Sequence[str], run: str | None = None) -> list[bool]:
        """What both let pass."""
        answers = [each.survivors(column, values, run) for each in self.filters]
        return [all(each) for each in zip(*answers, strict=True)]

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that pass."""
        for each in self.filters:
            batch = each.apply(batch)
        return batch


def filter_of(condition: Any, schema: pa.Schema) -> Filter | None:
    """A condition of pyarrow or polars as a filter; None as it is.

    Raises UnknownNameError if it names a column that is not there, and UsageError for anything
    else than a condition.
    """
    if condition is None:
        return None
    if isinstance(condition, pads.Expression):
        try:
            schema.empty_table().filter(condition)
        except pa.ArrowException as error:
            missing = re.search(r"FieldRef\.Name\((.*?)\)", str(error))
            if missing is not None and missing[1] not in schema.names:
                raise UnknownNameError("column", missing[1], schema.names) from None
            raise UsageError(f"pyarrow refuses the filter: {error}") from error
        return ArrowFilter(condition, schema)
    if hasattr(condition, "meta") and hasattr(condition.meta, "root_names"):
        for name in condition.meta.root_names():
            if name not in schema.names:
                raise UnknownNameError("column", name, schema.names)
        return PolarsFilter(condition, schema)
    raise UsageError(
        f"a filter is an expression of pyarrow.dataset or polars, not {type(condition).__name__}: "
        "pyarrow.dataset.field('tag') == 'loss'"
    )
