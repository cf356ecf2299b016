"""Tables and views for DuckDB: those that a statement names, and no others."""

from __future__ import annotations

import re

import duckdb

from tbtools.tables.table import LazyTable, Tables
from tbtools.tables.views.specs import HPARAMS_WIDE, SMOOTHED

__all__ = ["register", "register_all"]

#: What asks for the names of all tables.
_LISTING = re.compile(
    r"\b(show|describe|desc|information_schema|duckdb_(tables|views|columns)|pg_catalog|"
    r"pragma|sqlite_master)\b",
    re.I,
)

#: A weight must be written as a number, since its view has to be there before DuckDB asks for it.
_NUMBER = r"((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)"
_WEIGHTED = re.compile(rf"\b{SMOOTHED.name}\s*\(\s*(?:weight\s*:?=>?)?\s*{_NUMBER}\s*\)", re.I)


def register(connection: duckdb.DuckDBPyConnection, tables: Tables, sql: str) -> None:
    """Make known what a statement names. Nothing is read, but for the columns of hparams_wide.

    Raises UsageError for a weight of ``smoothed`` that makes no sense.
    """
    words = {word.lower() for word in re.findall(r"\w+", sql)}
    named = [name for name in (*tables.tables, *tables.views) if name.lower() in words]
    if _LISTING.search(sql):
        register_all(connection, tables)
    for name in named:
        connection.register(name, tables[name])
    if SMOOTHED.name in named:
        _add_weights(connection)
        for weight in {float(text) for text in _WEIGHTED.findall(sql)}:
            smoothed = tables.view(SMOOTHED.name, weight=weight)
            connection.register(f"{SMOOTHED.name}(weight := {weight!r})", smoothed)


def register_all(connection: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    """Make everything known, for a statement that lists it; of hparams_wide only a beginning."""
    for name in (*tables.tables, *tables.views):
        if name == HPARAMS_WIDE.name:
            connection.register(name, LazyTable(name, HPARAMS_WIDE.schema, lambda _: []))
        else:
            connection.register(name, tables[name])


def _add_weights(connection: duckdb.DuckDBPyConnection) -> None:
    """``smoothed(weight)``, as DuckDB can say it: another table for each weight."""
    connection.execute(
        f"""CREATE OR REPLACE TEMP MACRO {SMOOTHED.name}(weight) AS TABLE FROM query_table(
            '"{SMOOTHED.name}(weight := ' || weight::DOUBLE::VARCHAR || ')"')"""
    )
