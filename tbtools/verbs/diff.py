"""``diff``: whether two logs agree, and where they first part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.errors import NothingFoundError, TbtoolsError, UsageError
from tbtools.output.staging import scratch
from tbtools.schema import plain_schema
from tbtools.tables.interrupts import interruptible
from tbtools.tables.logs import LogsOrPaths, OpenOptions, TableSet, opened

if TYPE_CHECKING:
    pass

__all__ = ["DIFFERENCE", "Difference", "diff"]

DIFFERENCE = pa.schema(
    {
        "run": pa.string(),
        "table": pa.string(),
        "tag": pa.string(),
        "rows_a": pa.int64(),
        "rows_b": pa.int64(),
        "only_a": pa.int64(),
        "only_b": pa.int64(),
        "differing": pa.int64(),
        "largest_absolute": pa.float64(),
        "largest_relative": pa.float64(),
        "first_step": pa.int64(),
    }
)

SCALARS = "scalars"
#: Of what was read, not of what was logged; and times, which no two trainings share.
NOT_COMPARED = frozenset({"tags", "runs", "files", "node_stats"})

MOST_MEMORY = "200MB"  # beyond that, DuckDB goes on in files


@dataclass(frozen=True)
class Difference:
    """A row for each run, table and tag that either side has, in the columns of ``DIFFERENCE``.

    ``only_a`` and ``only_b`` are rows that the other side does not have: of scalars those at steps
    that it lacks, of all other tables those that differ in any column. ``differing`` are scalars
    of one step that are not the same, the largest differences theirs; ``first_step`` is where the
    two sides part. ``largest_relative`` is the difference over the larger of both numbers.
    """

    rows: pa.Table

    @property
    def differing(self) -> pa.Table:
        """The rows of what does not agree."""
        parts = [self.rows[name] for name in ("only_a", "only_b", "differing")]
        return self.rows.filter(pc.greater(pc.add(pc.add(parts[0], parts[1]), parts[2]), 0))

    @property
    def equal(self) -> bool:
        """Whether the two agree."""
        return not self.differing.num_rows


def diff(
    a: LogsOrPaths,
    b: LogsOrPaths,
    *,
    tables: Sequence[str] | None = None,
    rtol: float = 0.0,
    atol: float = 0.0,
    **options: Unpack[OpenOptions],
) -> Difference:
    """Compare two logs: logdirs, single event files or exported datasets.

    ``a`` and ``b`` are what ``open`` gives or takes; ``options`` are those of ``open``, for both.
    Runs are compared by name, or if each side has only one, these two. Scalars x and y of one step
    are the same if abs(x - y) <= atol + rtol * abs(y), as numpy has it, or both are NaN; the n-th
    value of a step is compared with the n-th. Of other ``tables`` (None: all that both sides have)
    rows are the same if all their columns are but wall_time.

    Raises what ``open`` raises, UnknownTableError, UsageError for a tolerance that makes no sense,
    and NothingFoundError if neither side has a row to compare.
    """
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if not tolerance >= 0:
            raise UsageError(f"{name} is {tolerance}; a tolerance is 0 or more")
    ours, theirs = opened(a, options), opened(b, options)
    names = tables
    if names is None:
        names = [name for name in ours.tables if name in theirs.tables]
        names = [name for name in names if name not in NOT_COMPARED]
    for name in names:
        ours.schema_of(name), theirs.schema_of(name)
    with _Comparison(ours, theirs) as comparison:
        parts = [
            comparison.scalars(rtol, atol) if name == SCALARS else comparison.table(name)
            for name in dict.fromkeys(names)
        ]
    rows = pa.concat_tables([DIFFERENCE.empty_table(), *parts])
    if not rows.num_rows:
        raise NothingFoundError(f"nothing to compare: no rows in {', '.join(names)}")
    return Difference(rows.sort_by([(key, "ascending") for key in ("run", "table", "tag")]))


class _Comparison:
    """Two logs, table by table in a DuckDB of its own."""

    def __init__(self, ours: TableSet, theirs: TableSet) -> None:
        self._logs = {"a": ours, "b": theirs}
        runs = [_runs_of(logs) for logs in (ours, theirs)]
        # Two runs that are alone are compared, whatever they are called.
        self._run = runs[0][0] if len(runs[0]) == len(runs[1]) == 1 else None
        self._failures: list[TbtoolsError] = []

    def __enter__(self) -> _Comparison:
        import duckdb

        with ExitStack() as opened_:
            folder = opened_.enter_context(scratch())
            self._connection = duckdb.connect()
            opened_.callback(self._connection.close)
            self._opened = opened_.pop_all()
        # DuckDB's own choice is a folder in the current one, which may be a logdir.
        self._connection.execute("SET temp_directory = $folder", {"folder": str(folder)})
        self._connection.execute(f"SET memory_limit = '{MOST_MEMORY}'")
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def scalars(self, rtol: float, atol: float) -> pa.Table:
        """How the scalars differ, tag by tag."""
        for side in self._logs:
            self._load(
                side,
                SCALARS,
                "run, tag, step, value, "
                "row_number() OVER (PARTITION BY run, tag, step ORDER BY n) AS k",
            )
        same = (
            f"(x = y OR (isnan(x) AND isnan(y)) OR "
            f"(isfinite(x) AND isfinite(y) AND abs(x - y) <= {atol!r} + {rtol!r} * abs(y)))"
        )
        return self._result(
            f"""WITH both_sides AS (
                  SELECT run, tag, step, a.value AS x, b.value AS y
                  FROM a FULL JOIN b USING (run, tag, step, k)),
                judged AS (
                  SELECT *, x IS NOT NULL AND y IS NOT NULL AND NOT {same} AS differs
                  FROM both_sides)
                SELECT run, '{SCALARS}' AS "table", tag,
                  count(x) AS rows_a, count(y) AS rows_b,
                  count(*) FILTER (y IS NULL) AS only_a, count(*) FILTER (x IS NULL) AS only_b,
                  count(*) FILTER (differs) AS differing,
                  max(abs(x - y)) FILTER (differs AND isfinite(x - y)) AS largest_absolute,
                  max(abs(x - y) / greatest(abs(x), abs(y)))
                    FILTER (differs AND isfinite(x - y)) AS largest_relative,
                  min(step) FILTER (differs OR x IS NULL OR y IS NULL) AS first_step
                FROM judged GROUP BY run, tag"""
        )

    def table(self, name: str) -> pa.Table:
        """How many rows of a table only one side has, tag by tag if it has tags."""
        schema = self._logs["a"].schema_of(name)
        columns = [column for column in schema.names if column != "wall_time"]
        listed = ", ".join(f'"{column}"' for column in columns)
        for side in self._logs:
            self._load(side, name, listed)
        keys = [key if key in columns else f"NULL AS {key}" for key in ("run", "tag", "step")]
        counted = [
            f"SELECT {', '.join(keys)}, {', '.join(counts)} FROM ({source})"
            for source, counts in (
                ("FROM a", ("1 AS a", "0 AS b", "0 AS only_a", "0 AS only_b")),
                ("FROM b", ("0 AS a", "1 AS b", "0 AS only_a", "0 AS only_b")),
                ("FROM a EXCEPT ALL FROM b", ("0 AS a", "0 AS b", "1 AS only_a", "0 AS only_b")),
                ("FROM b EXCEPT ALL FROM a", ("0 AS a", "0 AS b", "0 AS only_a", "1 AS only_b")),
            )
        ]
        return self._result(
            f"""SELECT run, '{name}' AS "table", tag, sum(a) AS rows_a, sum(b) AS rows_b,
                  sum(only_a) AS only_a, sum(only_b) AS only_b, 0 AS differing,
                  NULL AS largest_absolute, NULL AS largest_relative,
                  min(step) FILTER (only_a + only_b > 0) AS first_step
                FROM ({" UNION ALL ".join(counted)}) GROUP BY run, tag"""
        )

    def _result(self, sql: str) -> pa.Table:
        with interruptible(self._connection.interrupt):
            found: pa.Table = self._connection.sql(sql).to_arrow_table()
        return found.select(DIFFERENCE.names).cast(DIFFERENCE)

    def _load(self, side: str, table: str, columns: str) -> None:
        """Make the table ``a`` or ``b`` of these columns; ``n`` is the place of each row."""
        import duckdb

        schema = plain_schema(self._logs[side].schema_of(table)).append(pa.field("n", pa.int64()))
        rows = pa.RecordBatchReader.from_batches(schema, self._numbered(side, table, schema))
        self._connection.register("numbered", rows)
        try:
            with interruptible(self._connection.interrupt):
                self._connection.execute(
                    f'CREATE OR REPLACE TEMP TABLE "{side}" AS SELECT {columns} FROM numbered'
                )
        except duckdb.Error:
            if self._failures:  # of what ends the rows, DuckDB only keeps the text
                raise self._failures[0] from None
            raise

    def _numbered(self, side: str, table: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        first = 0
        try:
            for batch in self._logs[side][table].to_batches():
                places = pa.arange(first, first + batch.num_rows)
                first += batch.num_rows
                columns = [batch[name] for name in schema.names[:-1]]
                if self._run is not None and "run" in schema.names:
                    name = pa.scalar(self._run, pa.string())
                    columns[schema.get_field_index("run")] = pa.repeat(name, batch.num_rows)
                cast = [
                    column.cast(field.type) for column, field in zip(columns, schema, strict=False)
                ]
                yield pa.RecordBatch.from_arrays([*cast, places], schema=schema)
        except TbtoolsError as error:
            self._failures.append(error)
            raise


def _runs_of(logs: TableSet) -> list[str]:
    table = "runs" if "runs" in logs.tables else logs.tables[0]
    column = logs[table].to_table(["run"])["run"].cast(pa.string())
    runs: list[str] = pc.unique(column).to_pylist()
    return runs
