"""SQL over the tables, by DuckDB."""

from __future__ import annotations

import atexit
import re
import secrets
import tempfile
import unicodedata
import weakref
from collections.abc import Iterator
from math import ceil
from pathlib import Path

import duckdb
import pyarrow as pa

from tbtools.errors import QueryError, nearest
from tbtools.tables.table import Tables
from tbtools.tables.views import VIEWS, view_names
from tbtools.tables.views.sql import register, register_all

__all__ = ["connect", "explain", "limit", "run_statement", "stream"]

STREAM_ROWS = 1 << 16


def connect(memory: int | None = None, seconds: float | None = None) -> duckdb.DuckDBPyConnection:
    """A connection for ``run_statement``; close it. Limits are as ``limit`` takes them."""
    # DuckDB's own is below the current folder, which may be a logdir. It is made when it is needed.
    spilled = Path(tempfile.gettempdir()) / f"tbtools-{secrets.token_hex(8)}"
    connection = duckdb.connect(config={"temp_directory": str(spilled)})
    # A Python variable that happens to be called like a table is nobody's business here.
    connection.execute("SET python_enable_replacements = false")
    if memory is not None or seconds is not None:
        limit(connection, memory, seconds)
    _open.add(connection)
    return connection


def limit(connection: duckdb.DuckDBPyConnection, memory: int | None, seconds: float | None) -> None:
    """What statements may take from now on: bytes of memory, and seconds. None: DuckDB's default.

    What does not fit into the memory is spilled to a temporary folder.
    """
    size = "RESET memory_limit" if memory is None else f"SET memory_limit = '{memory}B'"
    connection.execute(size)
    connection.execute(f"SET max_execution_time = {ceil(1000 * (seconds or 0))}")


# DuckDB complains at exit about a connection that is still open and knows Python objects. A
# relation needs its connection, so it is not closed before, whoever else lets go of it.
_open: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for connection in list(_open):
        connection.close()


def run_statement(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    tables: Tables,
    params: object = None,
) -> duckdb.DuckDBPyRelation:
    """The result of a statement, not yet computed. Raises QueryError if DuckDB refuses it."""
    register(connection, tables, sql)
    try:
        relation = _result(connection, sql, tables, params)
    except duckdb.Error as error:
        raise QueryError(explain(error, tables, sql)) from error
    if relation is None:  # a statement without a result, such as SET
        return connection.sql("SELECT 'done' AS status")
    return relation


def _result(
    connection: duckdb.DuckDBPyConnection, sql: str, tables: Tables, params: object
) -> duckdb.DuckDBPyRelation | None:
    try:
        return connection.sql(sql, params=params)
    except duckdb.CatalogException:
        # A statement may name a table in pieces: query_table('sca' || 'lars').
        register_all(connection, tables)
        return connection.sql(sql, params=params)


def stream(relation: duckdb.DuckDBPyRelation, tables: Tables, sql: str) -> pa.RecordBatchReader:
    """The rows of a statement's result, computed while they are read.

    Raises QueryError if DuckDB refuses the statement; what is wrong with a row comes later.
    """
    try:
        reader = relation.to_arrow_reader(STREAM_ROWS)
    except duckdb.Error as error:
        raise QueryError(explain(error, tables, sql)) from error

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from reader
        except (duckdb.Error, OSError, MemoryError) as error:
            raise QueryError(explain(error, tables, sql)) from error

    return pa.RecordBatchReader.from_batches(reader.schema, batches())


def explain(error: Exception, tables: Tables, sql: str) -> str:
    """DuckDB's message, with the line and the caret that show where the statement is wrong.

    For a table or a column that does not exist one line, with the names that come nearest.
    """
    message = str(error).strip()
    first = message.splitlines()[0]
    if "exceeded maximum execution time" in message:
        return "the statement took longer than its time limit (--time-limit)"
    if isinstance(error, MemoryError) or "Out of Memory Error" in message:
        return "the statement needs more memory than it may have (--memory-limit)"
    names = view_names(tables.tables)
    schemas = {name: tables[name].schema for name in tables.tables}
    schemas |= {name: VIEWS[name][0].schema for name in names}
    if "Table with name smoothed(weight" in first:
        return "the weight of smoothed has to be a plain number: smoothed(weight := 0.9)"
    if 'Table with name "downsample ' in first or "Table with name downsample " in first:
        return (
            "what downsample is given has to be plain values: downsample('loss', 500, 'lttb'), "
            "or downsample(points := 500) for all tags"
        )
    missing = re.search(r"Table with name (\S+) does not exist", first)
    if missing is not None:
        names = nearest(missing[1], schemas) or list(schemas)
        return f"no table is called {missing[1]!r}; nearest: {', '.join(names)}"
    missing = re.search(
        r'Referenced column "([^"]+)" (?:was )?not found|does not have a column named "([^"]+)"',
        first,
    )
    if missing is not None:
        named = [schema for name, schema in schemas.items() if re.search(rf"\b{name}\b", sql)]
        columns = [column for schema in named or schemas.values() for column in schema.names]
        column = missing[1] or missing[2]
        names = nearest(column, dict.fromkeys(columns)) or list(dict.fromkeys(columns))
        if named or len(names) <= 3:
            return f"no column is called {column!r}; nearest: {', '.join(names)}"
    return "\n".join(_aligned([line.rstrip() for line in message.splitlines() if line.strip()]))


def _aligned(lines: list[str]) -> list[str]:
    """A message without tabs. DuckDB places the caret as if they had no width."""
    found = list(lines)
    for place, line in enumerate(lines):
        if line.startswith("LINE ") and lines[place + 1 :] and lines[place + 1].strip(" ^~") == "":
            caret = lines[place + 1]
            seen, tabs = 0, 0
            for char in line:
                if char == "\t":
                    tabs += 1
                elif seen >= len(caret) - len(caret.lstrip()):
                    break
                else:
                    seen += 2 if unicodedata.east_asian_width(char) in "WF" else 1
            found[place + 1] = " " * tabs + caret
        found[place] = found[place].replace("\t", " ")
    return found
