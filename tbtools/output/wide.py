"""Scalars with a column per tag and a row per run and step."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.errors import NothingFoundError, TbtoolsError, UnknownNameError, UsageError
from tbtools.tables.interrupts import interruptible

if TYPE_CHECKING:
    import duckdb

    from tbtools.tables.table import LazyTable

__all__ = ["Duplicates", "Numbers", "Wide", "check_duplicates", "column_names", "doubled", "widen"]

Duplicates = Literal["last", "first", "mean", "error"]

#: How several values of a tag at one step become one. ``n`` counts rows as they were written.
_ONE_VALUE = {
    "last": "arg_max(value, n)",
    "first": "arg_min(value, n)",
    "mean": "avg(value)",
    "error": "arg_max(value, n)",
}

KEYS = (
    pa.field("run", pa.string(), nullable=False),
    pa.field("step", pa.int64(), nullable=False),
    pa.field("wall_time", pa.float64(), nullable=False),
)

MOST_MEMORY = "256MB"  # beyond that, DuckDB goes on in files
MOST_CELLS = 1 << 21  # of a piece of the wide table; most may be null

_NUMBERED = pa.schema(
    {
        "run": pa.int32(),
        "tag": pa.int32(),
        "step": pa.int64(),
        "wall_time": pa.float64(),
        "value": pa.float64(),
        "n": pa.int64(),
    }
)


@dataclass(frozen=True)
class Wide:
    """The wide table in pieces, and how many values had to make room for another."""

    schema: pa.Schema
    pieces: Iterator[pa.Table]
    duplicates: int


@contextmanager
def widen(scalars: LazyTable, duplicates: str = "last") -> Iterator[Wide]:
    """One row per run and step: ``run``, ``step``, ``wall_time`` (the largest) and the tags.

    ``duplicates`` says what becomes of several values of one tag at one step: the ``last`` that
    was written, the ``first``, their ``mean``, or an ``error``. A step at which a tag has no value
    is null. Rows are sorted by run and step, tags by name; ``column_names`` says what their columns
    are called. Raises UsageError for ``error`` if there are any, NothingFoundError without scalars.
    """
    import duckdb

    check_duplicates(duplicates)
    with (
        tempfile.TemporaryDirectory() as folder,
        duckdb.connect() as connection,
        interruptible(connection.interrupt),
    ):
        # DuckDB's own choice is a folder in the current one, which may be a logdir.
        connection.execute("SET temp_directory = $folder", {"folder": folder})
        connection.execute(f"SET memory_limit = '{MOST_MEMORY}'")
        names = Numbers(), Numbers()
        failures: list[TbtoolsError] = []
        rows = _numbered(scalars, *names, failures)
        connection.register("numbered", pa.RecordBatchReader.from_batches(_NUMBERED, rows))
        try:
            connection.execute(
                f"""CREATE TEMP TABLE points AS
                    SELECT run, tag, step, {_ONE_VALUE[duplicates]} AS value,
                           max(wall_time) AS wall_time, count(*) AS written
                    FROM numbered GROUP BY run, tag, step"""
            )
        except duckdb.Error:
            if failures:
                raise failures[0] from None
            raise
        counts = "SELECT count(*), sum(written - 1) FROM points"
        ((points, more),) = connection.execute(counts).fetchall()
        if not points:
            raise NothingFoundError("there are no scalars to make columns of")
        if more and duplicates == "error":
            raise doubled(more)
        runs, tags = names
        columns = column_names(sorted(tags))
        schema = pa.schema([*KEYS, *(pa.field(name, pa.float64()) for name in columns)])
        yield Wide(schema, _pieces(connection, runs, tags, schema), int(more))


def check_duplicates(name: str) -> None:
    """Raises UnknownNameError if there is no such policy on duplicates."""
    if name not in _ONE_VALUE:
        raise UnknownNameError("policy on duplicates", name, get_args(Duplicates))


def doubled(count: int) -> UsageError:
    """What is raised if there are duplicates and the policy on them is ``error``."""
    return UsageError(
        f"{count} values share run, tag and step with another "
        "(--duplicates last, first or mean makes one of them)"
    )


class Numbers(dict[str, int]):
    """Names and their numbers, in the order in which they came up."""

    def of(self, labels: pa.DictionaryArray) -> pa.Array:
        """The number of each label. DuckDB then compares numbers, and sees no odd names."""
        # A dictionary may hold more than the rows do: tags of other tables, or not asked for.
        used = {*pc.unique(labels.indices).to_pylist()}
        numbers = [
            self.setdefault(name, len(self)) if code in used else -1
            for code, name in enumerate(labels.dictionary.to_pylist())
        ]
        return pa.array(numbers, pa.int32()).take(labels.indices)


def _numbered(
    scalars: LazyTable, runs: Numbers, tags: Numbers, failures: list[TbtoolsError]
) -> Iterator[pa.RecordBatch]:
    """The rows, numbered; of what ends them, DuckDB would only keep the text."""
    first = 0
    try:
        for batch in scalars.to_batches():
            columns = [
                runs.of(batch["run"]),
                tags.of(batch["tag"]),
                *(batch[name] for name in ("step", "wall_time", "value")),
                pa.arange(first, first + batch.num_rows),
            ]
            first += batch.num_rows
            yield pa.RecordBatch.from_arrays(columns, schema=_NUMBERED)
    except TbtoolsError as error:
        failures.append(error)
        raise


def _pieces(
    connection: duckdb.DuckDBPyConnection, runs: Numbers, tags: Numbers, schema: pa.Schema
) -> Iterator[pa.Table]:
    """The wide table, so many rows at a time that no piece has too many cells."""
    ranks = {name: rank for rank, name in enumerate(sorted(runs))}
    ranked = pa.table({"run": list(runs.values()), "rank": [ranks[name] for name in runs]})
    connection.register("ranked", ranked)
    connection.execute(
        """CREATE TEMP TABLE placed AS
           SELECT dense_rank() OVER (ORDER BY rank, step) - 1 AS row, rank, tag, step, value,
                  max(wall_time) OVER (PARTITION BY rank, step) AS wall_time
           FROM points JOIN ranked USING (run) ORDER BY row"""
    )
    connection.execute("DROP TABLE points")
    ((rows,),) = connection.execute("SELECT max(row) + 1 FROM placed").fetchall()
    names = pa.array(sorted(runs), pa.string())
    numbers = ", ".join(str(tags[name]) for name in sorted(tags))
    most = max(1, MOST_CELLS // len(tags))
    for first in range(0, rows, most):
        piece = connection.sql(
            f"""PIVOT (FROM placed WHERE row >= {first} AND row < {first + most})
                ON tag IN ({numbers}) USING first(value)
                GROUP BY row, rank, step, wall_time ORDER BY row"""
        ).to_arrow_table()
        run = names.take(piece["rank"].combine_chunks())
        columns = [run, *(column for column in piece.columns[2:])]
        yield pa.Table.from_arrays(columns, schema=schema)


def column_names(tags: Sequence[str]) -> list[str]:
    r"""A name for the column of each tag: the tag itself wherever that is possible.

    SQL takes upper and lower case for the same, and no empty name: a tag whose name is that of a
    key column or of an earlier tag, or empty, is called ``step (tag)``, or ``step (tag) (2)`` if
    there is such a tag, and so on. A NUL, which no name of a column may hold, is ``\0``.
    """
    spelt = [tag.replace("\0", "\\0") for tag in tags]
    taken = {"", *(field.name for field in KEYS)}
    names: list[str | None] = [_take(name, taken) for name in spelt]
    return [
        name or _first_free(f"{tag} (tag)".lstrip(), taken)
        for name, tag in zip(names, spelt, strict=True)
    ]


def _take(name: str, taken: set[str]) -> str | None:
    """The name, unless it is taken."""
    if name.lower() in taken:
        return None
    taken.add(name.lower())
    return name


def _first_free(name: str, taken: set[str]) -> str:
    count = 1
    while (found := _take(name if count == 1 else f"{name} ({count})", taken)) is None:
        count += 1
    return found
