"""Lazy tables as polars LazyFrames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import polars as pl
import pyarrow as pa
from polars.io.plugins import register_io_source

from tbtools.schema import plain, plain_schema

__all__ = ["lazy_frame"]

#: Gives the batches of some columns (None: all) of the rows that pass a predicate, up to a limit.
Batches = Callable[[list[str] | None, pl.Expr | None, int | None], Iterator[pa.RecordBatch]]


def lazy_frame(
    schema: pa.Schema, batches: Batches, columns: Sequence[str], limit: int | None
) -> pl.LazyFrame:
    """A LazyFrame whose columns, predicates and limits become those of ``batches``."""
    empty = plain_schema(schema).empty_table()

    def frames(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        for batch in batches(with_columns, predicate, n_rows):
            yield pl.DataFrame(pl.from_arrow(plain(pa.Table.from_batches([batch]))))

    frame = register_io_source(
        frames, schema=pl.DataFrame(pl.from_arrow(empty)).schema, validate_schema=True, is_pure=True
    )
    frame = frame.select(columns)
    return frame if limit is None else frame.head(limit)
