"""Tables and views for DuckDB: those that a statement names, and no others."""

from __future__ import annotations

import hashlib
import re

import duckdb

from tbtools.tables.table import LazyTable, Tables
from tbtools.tables.views.specs import DOWNSAMPLE, HPARAMS_WIDE, METHOD, POINTS, SMOOTHED

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

#: The same holds for what ``downsample`` is given: a tag, points and a method, with names or not.
_CALL = re.compile(rf"\b{DOWNSAMPLE.name}\s*\(((?:[^()']|'(?:[^']|'')*')*)\)", re.I)
_ARGUMENT = re.compile(
    r"\s*(?:(\w+)\s*(?::=|=>)\s*)?(?:'((?:[^']|'')*)'|(\d+)|NULL)\s*(?:,|$)", re.I
)


def register(connection: duckdb.DuckDBPyConnection, tables: Tables, sql: str) -> None:
    """Make known what a statement names. Nothing is read, but for the columns of hparams_wide.

    Raises UsageError for a weight of ``smoothed`` and for points and a method of ``downsample``
    that make no sense.
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
    if DOWNSAMPLE.name in words and "scalars" in tables.tables:
        _add_downsample(connection, tables, sql)


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


def _add_downsample(connection: duckdb.DuckDBPyConnection, tables: Tables, sql: str) -> None:
    """``downsample(tag, points, method)``: another table for each that a statement names."""
    connection.execute(
        f"""CREATE OR REPLACE TEMP MACRO {DOWNSAMPLE.name}(
                tag := NULL, points := {POINTS}, method := '{METHOD}') AS TABLE
            FROM query_table('"{DOWNSAMPLE.name} ' || md5(
                points || '/' || method || coalesce('/' || tag, '')) || '"')"""
    )
    for call in _CALL.findall(sql):
        given = _arguments(call)
        if given is not None:
            from tbtools.tables.views.thinning import downsampled

            tag, points, method = given
            text = f"{points}/{method}" + ("" if tag is None else f"/{tag}")
            # A name of it would be in upper or lower case, which tags are not.
            number = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
            made = downsampled(tables["scalars"], tag, points, method)
            connection.register(f"{DOWNSAMPLE.name} {number}", made)


def _arguments(call: str) -> tuple[str | None, int, str] | None:
    """Tag, points and method of a call; None if they are no plain values."""
    given: dict[str, str | None] = {}
    place = 0
    while call[place:].strip():
        match = _ARGUMENT.match(call, place)
        names = ("tag", "points", "method")
        if match is None or (match[1] is None and len(given) >= len(names)):
            return None
        text = match[3] if match[2] is None else match[2].replace("''", "'")
        given[(match[1] or names[len(given)]).lower()] = text
        place = match.end()
    points, method = given.get("points", str(POINTS)), given.get("method", METHOD)
    if points is None or not points.isdecimal() or method is None:
        return None
    return given.get("tag"), int(points), method
