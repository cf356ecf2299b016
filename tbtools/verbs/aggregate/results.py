"""Rows of statistics, put in order by DuckDB, which goes on in files where memory ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import polars as pl
import pyarrow as pa

__all__ = ["Results"]

MOST_MEMORY = "128MB"
BATCH = 1 << 16  # rows


class Results:
    """Takes rows with numbers of groups and tags; gives them sorted by group, tag and step."""

    def __init__(self, folder: Path) -> None:
        self._connection = duckdb.connect()
        # DuckDB's own choice is a folder in the current one, which may be a logdir.
        self._connection.execute("SET temp_directory = $path", {"path": str(folder / "duckdb")})
        self._connection.execute(f"SET memory_limit = '{MOST_MEMORY}'")
        self._known = False
        self._groups: Sequence[str] = ()
        self._values: Sequence[Mapping[str, Any]] = ()
        self._tags: Sequence[str] = ()

    def name(
        self, groups: Sequence[str], values: Sequence[Mapping[str, Any]], tags: Sequence[str]
    ) -> None:
        """What the numbers stand for; ``values`` are those of a group's further columns."""
        self._groups, self._values, self._tags = groups, values, tags

    def add(self, rows: pl.DataFrame) -> None:
        """Take rows."""
        self._connection.register("more", rows.to_arrow())
        into = "INSERT INTO results" if self._known else "CREATE TEMP TABLE results AS"
        self._connection.execute(f"{into} FROM more")
        self._connection.unregister("more")
        self._known = True

    def batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The rows, with these columns."""
        columns = ["group", "tag", "step", *schema.names[schema.get_field_index("wall_time") :]]
        for name, labels in (("groups", self._groups), ("tags", self._tags)):
            order = {label: rank for rank, label in enumerate(sorted(labels))}
            ranks = pa.table({"number": range(len(labels)), "rank": [order[x] for x in labels]})
            self._connection.register(name, ranks)
        listed = ", ".join(f'results."{name}"' for name in columns)
        relation = self._connection.sql(
            f"""SELECT {listed} FROM results
                JOIN groups ON groups.number = "group" JOIN tags ON tags.number = tag
                ORDER BY groups.rank, tags.rank, step"""
        )
        for batch in relation.to_arrow_reader(BATCH):
            group = batch["group"].cast(pa.int32())
            made = {
                "group": pa.DictionaryArray.from_arrays(group, pa.array(self._groups, pa.string())),
                "tag": pa.DictionaryArray.from_arrays(
                    batch["tag"].cast(pa.int32()), pa.array(self._tags, pa.string())
                ),
            }
            for field in schema:
                if field.name not in columns:
                    values = pa.array([each.get(field.name) for each in self._values], field.type)
                    made[field.name] = values.take(group)
            arrays = [made.get(name) for name in schema.names]
            yield pa.RecordBatch.from_arrays(
                [
                    batch[name] if array is None else array
                    for name, array in zip(schema.names, arrays, strict=True)
                ],
                schema=schema,
            )

    def interrupt(self) -> None:
        """End the statement that another thread runs."""
        self._connection.interrupt()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._connection.close()
