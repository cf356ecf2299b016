"""Where tables are imported from: Parquet and Arrow files, which pyarrow reads, and CSV, JSON and
databases, which DuckDB does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from tbtools.errors import NothingFoundError, UsageError
from tbtools.tables.manifest import LOGDIR, read_manifest
from tbtools.verbs.imports.casts import quoted

if TYPE_CHECKING:
    import duckdb

__all__ = ["FORMATS", "ROWS", "ArrowRows", "Source", "bytes_of", "reading", "run_of", "sources_of"]

#: Ending → format.
FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".duckdb": "duckdb",
    ".db": "duckdb",
}
ROWS = 1 << 15  # that are read at a time
COMPRESSED = (".gz", ".zst")  # of CSV and JSON


@dataclass(frozen=True)
class ArrowRows:
    """Columns, and how their rows are read."""

    schema: pa.Schema
    batches: Callable[[], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class Source:
    """A table: its name, if it says so itself, and its rows: Arrow's, or what DuckDB reads.

    ``is_text``: every value can be had as text (``as_text``), and types are only guessed. ``size``
    are the bytes of its file, ``rows`` about how many rows there are in them, if that is known.
    """

    path: str
    name: str | None
    size: int
    rows: int | None
    arrow: ArrowRows | None = None
    relation: str = ""
    is_text: bool = False
    as_text: str = ""


def run_of(name: str, path: str) -> str | None:
    """The run of what is in a file that says none: its name, unless it has another."""
    own = Path(path)
    if name != own.name:
        return name or None
    if own.suffix.lower() in COMPRESSED:
        own = own.with_suffix("")
    return own.stem if own.suffix.lower() in FORMATS else own.name


class reading:  # noqa: N801 - reads like a function
    """Makes a UsageError of what DuckDB says while ``path`` is read."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import duckdb

        if isinstance(error, duckdb.InterruptException):
            return
        if isinstance(error, (duckdb.Error, pa.ArrowException, OSError, UnicodeError)):
            raise UsageError(f"cannot read {self._path}: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """One line of what DuckDB says in many."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "ould not convert" in line or "rror when convert" in line]
    return (telling or lines or [type(error).__name__])[0]


def sources_of(path: str, connection: duckdb.DuckDBPyConnection) -> Iterator[Source]:
    """The tables of a file, or of a dataset that tbtools exported.

    Raises UsageError for a file of another format, and NothingFoundError if there is none.
    """
    place = Path(path)
    if place.is_dir():
        yield from _of_dataset(path, connection)
        return
    if not place.exists():
        raise NothingFoundError(f"there is no file {path}")
    yield from _of_file(path, connection, None)


def bytes_of(paths: Iterable[str]) -> int:
    """The bytes of files and of exported datasets; of what is not there, none."""
    total = 0
    for path in paths:
        manifest = read_manifest(path)
        if manifest is not None:
            of_tables = [file for files in manifest.tables.values() for file in files]
            total += sum(manifest.files[file] for file in of_tables)
        elif Path(path).is_file():
            total += Path(path).stat().st_size
    return total


def _of_dataset(path: str, connection: duckdb.DuckDBPyConnection) -> Iterator[Source]:
    manifest = read_manifest(path)
    if manifest is None or manifest.format == LOGDIR:
        raise UsageError(
            f"{path} is a folder, but no dataset that tbtools exported; name the files in it"
        )
    manifest.check()
    for name, files in manifest.tables.items():
        for file in files:
            yield from _of_file(str(manifest.folder / file), connection, name)


def _of_file(
    path: str, connection: duckdb.DuckDBPyConnection, name: str | None
) -> Iterator[Source]:
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    form = FORMATS.get(suffixes[-1] if suffixes else "")
    if form is None:
        raise UsageError(f"{path}: its name ends like none of {', '.join(FORMATS)}")
    size = Path(path).stat().st_size
    literal = "'" + path.replace("'", "''") + "'"
    with reading(path):
        if form == "parquet":
            rows, arrow = _parquet(path)
            yield Source(path, name, size, rows, arrow)
        elif form == "csv":
            options = "header = true, allow_quoted_nulls = false"
            if suffixes[-1] == ".tsv":
                options += ", delim = '\\t'"
            relation = f"read_csv({literal}, {options}"
            text = f"(FROM {relation}, all_varchar = true))"
            lines = _lines(path, size)
            yield Source(path, name, size, lines, None, f"{relation})", True, text)
        elif form == "json":
            text = _json_text(literal, connection)
            lines = _lines(path, size)
            yield Source(path, name, size, lines, None, f"read_json({literal})", True, text)
        elif form == "arrow":
            rows, arrow = _ipc(path)
            yield Source(path, name, size, rows, arrow)
        else:
            yield from _of_database(path, literal, connection)


def _json_text(literal: str, connection: duckdb.DuckDBPyConnection) -> str:
    names = [row[0] for row in connection.execute(f"DESCRIBE FROM read_json({literal})").fetchall()]
    types = ", ".join(f"{quoted(name)}: 'JSON'" for name in names)
    texts = ", ".join(f"{quoted(name)} ->> '$' AS {quoted(name)}" for name in names)
    return f"(SELECT {texts} FROM read_json({literal}, columns = {{{types}}}))"


def _lines(path: str, size: int) -> int | None:
    """About how many lines a file of text has, by those at its beginning."""
    if Path(path).suffix.lower() in COMPRESSED:
        return None
    with Path(path).open("rb") as file:
        head = file.read(1 << 20)
    return size * head.count(b"\n") // len(head) if head else 0


def _parquet(path: str) -> tuple[int, ArrowRows]:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path, pre_buffer=False)

    def batches() -> Iterator[pa.RecordBatch]:
        # Of several row groups at once, pyarrow reads ahead as far as there is memory.
        for group in range(file.num_row_groups):
            yield from file.iter_batches(ROWS, row_groups=[group])

    return file.metadata.num_rows, ArrowRows(file.schema_arrow, batches)


def _ipc(path: str) -> tuple[int, ArrowRows]:
    file = pa.ipc.open_file(path)
    count = file.num_record_batches
    rows = ArrowRows(file.schema, lambda: (file.get_batch(number) for number in range(count)))
    return (file.get_batch(0).num_rows * count if count else 0), rows


def _of_database(
    path: str, literal: str, connection: duckdb.DuckDBPyConnection
) -> Iterator[Source]:
    known = {
        row[0]
        for row in connection.execute("SELECT database_name FROM duckdb_databases()").fetchall()
    }
    name = f"file_{len(known)}"
    connection.execute(f"ATTACH {literal} AS {name} (READ_ONLY)")
    tables: Sequence[tuple[str, str]] = connection.execute(
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_catalog = $name ORDER BY table_schema, table_name",
        {"name": name},
    ).fetchall()
    size = Path(path).stat().st_size
    for number, (schema, table) in enumerate(tables):
        relation = f"{name}.{quoted(schema)}.{quoted(table)}"
        ((rows,),) = connection.execute(f"SELECT count(*) FROM {relation}").fetchall()
        # As if all tables were of one size: nobody says what each takes of the file.
        part = size * (number + 1) // len(tables) - size * number // len(tables)
        yield Source(path, table, part, rows, None, relation)
