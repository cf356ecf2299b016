"""Tables from files, one after the other, in the order of their time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from tbtools.errors import NothingFoundError, UsageError
from tbtools.files.discovery import named_paths
from tbtools.output.event_rows import Written, target_of, targets, write_logdir
from tbtools.output.given import Given, Target, given, names_for, names_of, recognised
from tbtools.output.staging import scratch
from tbtools.output.targets import check_target
from tbtools.schema import KEYS
from tbtools.tables.interrupts import interruptible
from tbtools.tables.logdir import all_specs
from tbtools.verbs.imports.casts import from_text, quoted
from tbtools.verbs.imports.sources import (
    ROWS,
    Source,
    bytes_of,
    reading,
    run_of,
    sources_of,
)

if TYPE_CHECKING:
    import duckdb

__all__ = ["import_files", "imported_bytes"]

TAGS = "tags"
MOST_MEMORY = "256MB"  # beyond that, DuckDB goes on in files


def import_files(
    *paths: str | os.PathLike[str],
    output: str | os.PathLike[str],
    tables: Iterable[str] | None = None,
    run: str | None = None,
    tag: str | None = None,
    exact: bool = False,
    force: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Written:
    """Write tables from files to a new logdir, an event file per run.

    Files are Parquet, CSV, JSON lines, Arrow or DuckDB by their endings, or a dataset that
    ``export`` wrote. Which table each is of is told by its name in a dataset or database, else by
    its columns, as for ``write``. Rows are written in the order of their ``wall_time``, if they
    have one. Without a column ``run``, it is ``run``; else of several files the name of each, or
    what ``NAME=path`` says.

    ``tables`` are those that are wanted; by default all that can be written. Those that cannot are
    in ``left_out`` of the result. ``progress`` is called with the bytes that were read since the
    last call, of ``imported_bytes``. Other arguments are those of ``write``.

    Raises UsageError for files that cannot be read and for what makes no sense, TargetExistsError
    without ``force``, and NothingFoundError if there are no rows.
    """
    import duckdb

    if not paths:
        raise UsageError("name the files to import")
    target = Path(output)
    named = named_paths([os.fspath(path) for path in paths])
    inputs = [path for _, path in named]
    check_target(target, inputs, force, folder=True)
    wanted = None if tables is None else [*dict.fromkeys(tables)]
    for name in wanted or ():
        if name != TAGS:
            target_of(name, all_specs())
    with (
        scratch() as folder,
        duckdb.connect() as connection,
        interruptible(connection.interrupt),
    ):
        # DuckDB's own choice is a folder in the current one, which may be a logdir.
        connection.execute("SET temp_directory = $folder", {"folder": str(folder)})
        connection.execute(f"SET memory_limit = '{MOST_MEMORY}'")
        imports = _Imports(connection, wanted, tag, progress or (lambda _: None))
        for name, path in named:
            imports.add(path, run or run_of(name, path))
        if not imports.tables:
            raise NothingFoundError(
                "nothing to write: none of the tables there can be written to event files"
                if imports.left_out
                else "nothing to write: there are no tables"
            )
        done = write_logdir(
            imports.tables,
            target,
            names=imports.names,
            exact=exact,
            by_time=True,
            inputs=inputs,
            force=force,
        )
    done.left_out = sorted(imports.left_out)
    return done


def imported_bytes(*paths: str | os.PathLike[str]) -> int:
    """How many bytes ``import_files`` reads of these files and datasets."""
    return bytes_of(path for _, path in named_paths([os.fspath(path) for path in paths]))


class _Imports:
    """The tables that are found in files."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        wanted: list[str] | None,
        tag: str | None,
        progress: Callable[[int], None],
    ) -> None:
        self.tables: list[tuple[Target, Given]] = []
        self.names: dict[tuple[str, str], tuple[str, str, bytes]] = {}
        self.left_out: set[str] = set()
        self._connection = connection
        self._wanted = wanted
        self._tag = tag
        self._progress = progress

    def add(self, path: str, run: str | None) -> None:
        """All tables of a file or dataset."""
        for source in sources_of(path, self._connection):
            with reading(source.path):
                guessed = self._guessed(source)
            if source.name == TAGS:
                if self._wanted is None or TAGS in self._wanted:
                    rows = self._rows(source, all_specs()[TAGS].schema, guessed)
                    self.names |= names_of(row for b in rows for row in b.to_pylist())
                self._progress(source.size)
                continue
            target = self._target(source, guessed)
            if target is None:
                self._progress(source.size)
                continue
            rows = self._rows(source, target.spec.schema, guessed, target.wide)
            batches = self._told(source, rows)
            self.tables.append((target, Given(guessed, batches, run=run, tag=self._tag)))

    def _told(self, source: Source, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches, as which bytes of their file are told; at its end, all of these are."""
        rows = told = 0
        for batch in batches:
            rows += batch.num_rows
            done = source.size * min(rows, source.rows) // source.rows if source.rows else 0
            self._progress(done - told)
            told = done
            yield batch
        self._progress(source.size - told)

    def _guessed(self, source: Source) -> pa.Schema:
        """The columns of a source, under the names that tables have them by."""
        if source.arrow is not None:
            return given(source.arrow.schema.empty_table()).schema
        relation = self._connection.sql(f"FROM {source.relation} LIMIT 0")
        empty = relation.to_arrow_table()
        for place, kind in enumerate(relation.types):
            if str(kind) == "JSON":  # now this, now that: it may be meant as anything
                field = empty.schema.field(place).with_type(pa.null())
                empty = empty.set_column(place, field, pa.chunked_array([], pa.null()))
        return given(empty).schema

    def _target(self, source: Source, columns: pa.Schema) -> Target | None:
        """What a source is to be; None if it is left out."""
        name = source.name
        if name is not None and name in all_specs():
            if self._wanted is not None and name not in self._wanted:
                return None
            if name in targets():
                return targets()[name]
            self.left_out.add(name)
            return None
        if self._wanted is not None and len(self._wanted) == 1 and name is None:
            return targets()[self._wanted[0]]
        try:
            found = recognised(columns, targets(), self._tag, is_text=source.is_text)
        except UsageError as error:
            if name is None:
                raise UsageError(f"{source.path}: {error}") from error
            self.left_out.add(name)
            return None
        if self._wanted is not None and found.spec.name not in self._wanted:
            return None
        return found

    def _rows(
        self, source: Source, schema: pa.Schema, columns: pa.Schema, wide: bool = False
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a source as they stand there."""
        with reading(source.path):
            if source.arrow is not None:
                rows = source.arrow
                reader = pa.RecordBatchReader.from_batches(rows.schema, rows.batches())
                yield from given(reader).batches
                return
        keys = {key.name: key.type for key in KEYS}
        types = {**{field.name: field.type for field in schema}, **keys}
        relation = source.as_text if source.is_text else source.relation
        with reading(source.path):
            given_names = [
                row[0] for row in self._connection.execute(f"DESCRIBE FROM {relation}").fetchall()
            ]
        other = pa.float64() if wide else pa.string()
        chosen = []
        for given_name, name in zip(given_names, names_for(given_names), strict=True):
            if name is not None:
                value = quoted(given_name)
                if source.is_text:
                    value = from_text(given_name, types.get(name, other), name == "wall_time")
                chosen.append(f"{value} AS {quoted(name)}")
        sql = f"SELECT {', '.join(chosen)} FROM {relation}"
        with reading(source.path):
            yield from self._connection.sql(sql).to_arrow_reader(ROWS)
