"""Logs → Parquet, Arrow, CSV, JSONL or a DuckDB file, in memory that does not grow with them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, Protocol, Unpack

import pyarrow as pa

from tbtools.errors import NothingFoundError, UnknownNameError, UsageError
from tbtools.output.behind import Behind
from tbtools.output.datasets import TableFiles
from tbtools.output.sorting import SortedChunks
from tbtools.output.targets import check_target, staged
from tbtools.output.writers import SUFFIXES, TableWriter
from tbtools.tables.logs import LogsOrPaths, OpenOptions, TableSet, opened
from tbtools.tables.manifest import write_manifest

if TYPE_CHECKING:
    from tbtools.output.wide import Duplicates

__all__ = ["FORMATS", "Exported", "Format", "export"]

Format = Literal["parquet", "csv", "jsonl", "arrow", "duckdb"]
FORMATS = ("parquet", "csv", "jsonl", "arrow", "duckdb")

WIDE = "scalars_wide"


@dataclass
class Exported:
    """What was written: rows by table, without the tables that had none, and the duplicates."""

    path: Path
    rows: dict[str, int] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=dict)
    duplicates: int = 0


def export(
    logs: LogsOrPaths,
    output: str | os.PathLike[str],
    *,
    format: Format = "parquet",
    tables: Iterable[str] | None = None,
    wide: bool = False,
    duplicates: Duplicates = "last",
    safe_csv: bool = False,
    force: bool = False,
    **options: Unpack[OpenOptions],
) -> Exported:
    """Write every table that has rows, or those named, to a folder; to one file for DuckDB.

    ``logs`` is what ``open`` gives or takes; ``options`` are those of ``open``. A single table is
    written to one file if ``output`` ends like one (``x.parquet``, ``x.csv``). ``wide`` writes
    scalars with a column per tag. In CSV, ``safe_csv`` puts an apostrophe before text that a
    spreadsheet would take for a formula. Rows of a file are sorted by run, tag and step, some
    hundred thousand at a time. A reader of ``output`` sees the old one or the new one, never half
    of one.

    Raises UsageError or one of its kind for what makes no sense, TargetExistsError without
    ``force``, and NothingFoundError if no table has a row.
    """
    if format not in FORMATS:
        raise UnknownNameError("format", format, FORMATS)
    if safe_csv and format != "csv":
        raise UsageError("--safe-csv is for --csv")
    tables_of = opened(logs, options)
    target = Path(output)
    single = SUFFIXES.get(format) == target.suffix.lower() != ""
    folder = not single and format != "duckdb"
    check_target(target, tables_of.inputs, force, folder=folder)
    names = list(tables_of.tables if tables is None else dict.fromkeys(tables))
    for name in names:
        tables_of.schema_of(name)
    if wide and tables is not None and names != ["scalars"]:
        raise UsageError("--wide is for scalars only")
    if single and not wide and len(names) > 1:
        raise UsageError(f"{target} is one file; name the one --table that shall be in it")
    result = Exported(target)
    with staged(target, tables_of.inputs, force, folder=folder) as beside:
        output_: _Output = (
            _DuckDbFile(beside)
            if format == "duckdb"
            else TableFiles(beside, format, single, safe_csv)
        )
        try:
            if wide:
                from tbtools.output.wide import widen

                with widen(tables_of["scalars"], duplicates) as made:
                    result.duplicates = made.duplicates
                    writer = output_.open(WIDE, made.schema)
                    result.rows[WIDE] = 0
                    for piece in made.pieces:
                        writer.write(piece)
                        result.rows[WIDE] += piece.num_rows
            else:
                _stream(tables_of, names, output_, result)
        finally:
            output_.close()
        if not any(result.rows.values()):
            raise NothingFoundError(f"nothing to export: no rows in {', '.join(names)}")
        result.files = output_.files
        if folder:
            write_manifest(beside, format, result.rows, result.files)
    return result


def _stream(logs: TableSet, names: list[str], output: _Output, result: Exported) -> None:
    chunks: dict[str, SortedChunks] = {}
    with Behind() as behind:
        for name, batch in logs.scan(names):
            if name not in chunks:
                write = output.open(name, logs.schema_of(name)).write
                chunks[name] = SortedChunks(write, behind)
            chunks[name].add(batch)
            del batch  # it may be large, and the next one is yet to be read
        for name, chunk in sorted(chunks.items()):
            chunk.flush()
            result.rows[name] = chunk.rows


class _Output(Protocol):
    """Where tables are written to; ``files`` of each of them."""

    files: dict[str, list[str]]

    def open(self, name: str, schema: pa.Schema) -> TableWriter:
        """A writer for a table."""

    def close(self) -> None:
        """Finish all of them."""


class _DuckDbFile:
    """One DuckDB database with a table per table."""

    def __init__(self, path: Path) -> None:
        import duckdb

        self.files: dict[str, list[str]] = {}
        self._connection = duckdb.connect(str(path))
        self._lock = Lock()  # rows are added in another thread than tables

    def open(self, name: str, schema: pa.Schema) -> TableWriter:
        writer = _DuckDbTable(self._connection, self._lock, name, schema)
        self.files[name] = []
        return writer

    def close(self) -> None:
        # Only a checkpoint says so if the disk is full: closing then leaves rows in the log.
        try:
            self._connection.execute("CHECKPOINT")
        finally:
            self._connection.close()


class _DuckDbTable:
    def __init__(self, connection: Any, lock: Lock, name: str, schema: pa.Schema) -> None:
        self._connection = connection
        self._lock = lock
        self._name = name
        self._run(f'CREATE TABLE "{name}" AS FROM rows_to_add', schema.empty_table())

    def _run(self, statement: str, rows: pa.Table) -> None:
        with self._lock:
            self._connection.register("rows_to_add", rows)
            self._connection.execute(statement)
            self._connection.unregister("rows_to_add")

    def write(self, table: pa.Table) -> None:
        self._run(f'INSERT INTO "{self._name}" FROM rows_to_add', table)

    def close(self) -> None:
        pass
