"""``scan``: a table of logs as a polars LazyFrame, as ``polars.scan_parquet`` gives one."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Unpack

from tbtools.errors import UnknownTableError
from tbtools.tables.logdir import all_specs
from tbtools.tables.logs import OpenOptions, TableSet
from tbtools.tables.views import VIEWS

if TYPE_CHECKING:
    import polars as pl

__all__ = ["scan", "scan_of", "scannable"]


def scan(
    table: str, *paths: str | os.PathLike[str], **options: Unpack[OpenOptions]
) -> pl.LazyFrame:
    """A table or view of logs as a polars LazyFrame: ``open(*paths, **options)[table].lazy()``.

    Columns, predicates and row limits are pushed into the reading. There is one such function per
    table: ``tbtools.scan_scalars("runs")``. Raises what ``open`` raises, and UnknownTableError.
    """
    return TableSet.open(*paths, **options)[table].lazy()


def scannable() -> list[str]:
    """The tables and views that a logdir has."""
    return [*all_specs(), *VIEWS]


def scan_of(table: str) -> Callable[..., pl.LazyFrame]:
    """``scan`` of this table. Raises UnknownTableError."""
    if table not in scannable():
        raise UnknownTableError("table", table, scannable())

    def scan_table(*paths: str | os.PathLike[str], **options: Unpack[OpenOptions]) -> pl.LazyFrame:
        return scan(table, *paths, **options)

    scan_table.__name__ = scan_table.__qualname__ = f"scan_{table}"
    scan_table.__doc__ = f"The table ``{table}`` as a polars LazyFrame: see ``tbtools.scan``."
    return scan_table
