"""Scalars with a column per tag and a row per run and step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import pyarrow as pa

from tbtools.errors import NothingFoundError, UnknownNameError, UsageError
from tbtools.selection import Selection
from tbtools.tables.table import LazyTable, Rows

__all__ = ["Duplicates", "Wide", "widen"]

Duplicates = Literal["last", "first", "mean", "error"]

#: How several values of a tag at one step become one. ``n`` counts rows as they were written.
_ONE_VALUE = {
    "last": "arg_max(value, n)",
    "first": "arg_min(value, n)",
    "mean": "avg(value)",
    "error": "arg_max(value, n)",
}


@dataclass(frozen=True)
class Wide:
    """The wide table, and how many values had to make room for another of their tag and step."""

    table: pa.Table
    duplicates: int


def widen(scalars: LazyTable, duplicates: str = "last") -> Wide:
    """One row per run and step: ``run``, ``step``, ``wall_time`` (the largest) and the tags.

    ``duplicates`` says what becomes of several values of one tag at one step: the ``last`` that
    was written, the ``first``, their ``mean``, or an ``error``. A step at which a tag has no value
    is null. Raises UsageError for ``error`` if there are any, NothingFoundError without scalars.
    """
    import duckdb

    if duplicates not in _ONE_VALUE:
        raise UnknownNameError("policy on duplicates", duplicates, get_args(Duplicates))
    with duckdb.connect() as connection:
        connection.register("numbered", LazyTable("numbered", *_numbered(scalars)))
        connection.execute(
            f"""CREATE TEMP TABLE points AS
                SELECT run, step, tag, {_ONE_VALUE[duplicates]} AS value,
                       max(wall_time) AS wall_time, count(*) AS written
                FROM numbered GROUP BY run, step, tag"""
        )
        row = connection.execute("SELECT count(*), sum(written - 1) FROM points").fetchone()
        rows, doubled = row or (0, 0)
        if not rows:
            raise NothingFoundError("there are no scalars to make columns of")
        if doubled and duplicates == "error":
            raise UsageError(
                f"{doubled} values share run, tag and step with another "
                "(--duplicates last, first or mean makes one of them)"
            )
        names = connection.execute("SELECT DISTINCT tag FROM points ORDER BY tag").fetchall()
        columns = ", ".join(
            f"first(value) FILTER (tag = {_text(tag)}) AS {_name(tag)}" for (tag,) in names
        )
        wide = connection.sql(
            f"""SELECT run, step, max(wall_time) AS wall_time, {columns}
                FROM points GROUP BY run, step ORDER BY run, step"""
        ).to_arrow_table()
    return Wide(wide, int(doubled))


def _numbered(scalars: LazyTable) -> tuple[pa.Schema, Rows]:
    schema = scalars.schema.append(pa.field("n", pa.int64()))

    def batches(_: Selection) -> Iterator[pa.RecordBatch]:
        first = 0
        for batch in scalars.to_batches():
            numbers = pa.array(range(first, first + batch.num_rows), pa.int64())
            first += batch.num_rows
            yield batch.append_column("n", numbers)

    return schema, batches


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(tag: str) -> str:
    # A tag may be called like a key column; SQL names do not see upper and lower case.
    taken = tag.lower() in ("run", "step", "wall_time")
    return '"' + (f"{tag} (tag)" if taken else tag).replace('"', '""') + '"'
