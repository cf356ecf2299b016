"""Views: what people compute of the tables, each with its formula.

A view is a table like the others, made of the rows of another one while these are read. Only
``hparams_wide`` is read at once, since its columns depend on what is there. docs/tables.md has
the formulas. Nothing here imports polars before rows are asked for.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from functools import cache

import pyarrow as pa

from tbtools.decode.kind import TableSpec
from tbtools.errors import UnknownTableError, UsageError
from tbtools.tables.table import LazyTable, Tables
from tbtools.tables.views.averages import smooth
from tbtools.tables.views.sessions import SESSIONS, hparams_wide
from tbtools.tables.views.specs import (
    DISTRIBUTIONS,
    HISTOGRAM_STATS,
    HPARAMS_WIDE,
    SMOOTHED,
    STATS,
    WEIGHT,
)

__all__ = ["VIEWS", "smooth", "view", "view_names"]

#: All views, and the table that each is made of.
VIEWS: Mapping[str, tuple[TableSpec, str]] = {
    DISTRIBUTIONS.name: (DISTRIBUTIONS, "histograms"),
    HISTOGRAM_STATS.name: (HISTOGRAM_STATS, "histograms"),
    HPARAMS_WIDE.name: (HPARAMS_WIDE, SESSIONS),
    SMOOTHED.name: (SMOOTHED, "scalars"),
    STATS.name: (STATS, "scalars"),
}


def view_names(tables: Container[str]) -> list[str]:
    """The views whose tables are there; a table of the same name goes before a view."""
    return [name for name, (_, source) in VIEWS.items() if source in tables and name not in tables]


def view(tables: Tables, name: str, *, weight: float | None = None) -> LazyTable:
    """The view of this name. ``weight`` is for ``smoothed`` only.

    Raises UnknownNameError if there is none, or none of its rows, and UsageError for a weight that
    makes no sense.
    """
    known = view_names(tables.tables)
    if name not in known:
        raise UnknownTableError("view", name, known)
    if weight is not None and name != SMOOTHED.name:
        raise UsageError(f"the view {name} takes no weight")
    spec, source = VIEWS[name]
    if name == HPARAMS_WIDE.name:
        made = cache(lambda: hparams_wide(tables))  # its columns depend on what there is
        return LazyTable(name, lambda: made().schema, lambda _: made().to_batches())
    if name == SMOOTHED.name:
        return smooth(tables[source], WEIGHT if weight is None else weight)
    return tables[source].derived(name, spec.schema, _MAKERS[name])


def _stats(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    from tbtools.tables.views.statistics import stats_of

    return stats_of(batches)


def _distributions(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    from tbtools.tables.views.buckets import distributions_of

    return distributions_of(batches)


def _histogram_stats(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    from tbtools.tables.views.buckets import histogram_stats_of

    return histogram_stats_of(batches)


_MAKERS = {
    DISTRIBUTIONS.name: _distributions,
    HISTOGRAM_STATS.name: _histogram_stats,
    STATS.name: _stats,
}
