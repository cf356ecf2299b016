"""Views for DuckDB: registered like tables, and those that need more than a name when named."""

from __future__ import annotations

import re

import duckdb

from tbtools.tables.table import LazyTable, Tables
from tbtools.tables.views import view, view_names
from tbtools.tables.views.specs import HPARAMS_WIDE, SMOOTHED

__all__ = ["register", "register_named"]

#: A weight must be written as a number, since its view has to be there before DuckDB asks for it.
_NUMBER = r"((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)"
_WEIGHTED = re.compile(rf"\b{SMOOTHED.name}\s*\(\s*(?:weight\s*:?=>?)?\s*{_NUMBER}\s*\)", re.I)
_WIDE = re.compile(rf"\b{HPARAMS_WIDE.name}\b", re.I)


def register(connection: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    """Make the views known. Nothing is read; of ``hparams_wide`` there is only a beginning."""
    for name in view_names(tables):
        if name == HPARAMS_WIDE.name:
            connection.register(name, LazyTable(name, HPARAMS_WIDE.schema, lambda _: []))
        else:
            connection.register(name, view(tables, name))
        if name == SMOOTHED.name:
            connection.execute(
                f"""CREATE TEMP MACRO {name}(weight) AS TABLE FROM query_table(
                    '"{name}(weight := ' || weight::DOUBLE::VARCHAR || ')"')"""
            )


def register_named(connection: duckdb.DuckDBPyConnection, tables: Tables, sql: str) -> None:
    """Make those views ready that a statement names and that depend on data or on a number.

    Raises UsageError for a weight that makes no sense.
    """
    names = view_names(tables)
    if HPARAMS_WIDE.name in names and _WIDE.search(sql):
        connection.register(HPARAMS_WIDE.name, view(tables, HPARAMS_WIDE.name))
    if SMOOTHED.name in names:
        for weight in {float(text) for text in _WEIGHTED.findall(sql)}:
            smoothed = view(tables, SMOOTHED.name, weight=weight)
            connection.register(f"{SMOOTHED.name}(weight := {weight!r})", smoothed)
