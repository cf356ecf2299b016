"""Rows → stdout or a file, in any format. The only place that prints data."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.cli.streams import to_stdout
from tbtools.errors import UnknownNameError, UsageError
from tbtools.output.json_text import json_lines, json_text
from tbtools.output.targets import staged
from tbtools.output.writers import CsvWriter, JsonlWriter, ParquetWriter, content

__all__ = ["format_for", "print_rows"]

BY_SUFFIX = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".md": "markdown",
    ".arrow": "arrow",
    ".parquet": "parquet",
    ".txt": "table",
}


def format_for(format: str | None, output: Path | None) -> str:
    """The format that was asked for, or that the output suggests. Raises UnknownNameError."""
    if format is not None:
        return format
    if output is None:
        return "table" if sys.stdout.isatty() else "csv"
    if output.suffix.lower() not in BY_SUFFIX:
        hint = f"the ending of {output} says no format; --format does"
        raise UnknownNameError("format", output.suffix, BY_SUFFIX, hint)
    return BY_SUFFIX[output.suffix.lower()]


def print_rows(
    rows: pa.RecordBatchReader,
    format: str | None,
    output: Path | None,
    force: bool,
    inputs: tuple[str, ...],
) -> int:
    """Print all rows, and tell how many there were. Raises what ``targets`` raises."""
    form = format_for(format, output)
    counted = _Counted(rows)
    if output is not None:
        with staged(output, inputs, force) as beside, beside.open("wb") as file:
            _WRITERS[form](counted, file)
        return counted.rows
    if form in ("arrow", "parquet") and sys.stdout.isatty():
        raise UsageError(f"{form} is not for a terminal; give --output FILE or a pipe")
    if form == "table" and sys.stdout.isatty():
        _print_what_fits(counted)
    else:
        to_stdout(partial(_WRITERS[form], counted))
    return counted.rows


class _Counted:
    """A reader that counts its rows."""

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        self.schema = reader.schema
        self.rows = 0
        self._reader = reader

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._reader:
            self.rows += batch.num_rows
            yield batch


def _write_csv(rows: _Counted, file: IO[bytes], delimiter: str = ",") -> None:
    writer = CsvWriter(file, rows.schema, [], delimiter)
    for batch in rows:
        writer.write(pa.Table.from_batches([batch]))
    writer.close()


def _write_tsv(rows: _Counted, file: IO[bytes]) -> None:
    _write_csv(rows, file, "\t")


def _write_jsonl(rows: _Counted, file: IO[bytes]) -> None:
    writer = JsonlWriter(file, rows.schema, [])
    for batch in rows:
        writer.write(pa.Table.from_batches([batch]))
    writer.close()


def _write_json(rows: _Counted, file: IO[bytes]) -> None:
    file.write(b"[")
    separator = b"\n"
    for batch in rows:
        if batch.num_rows:
            lines = pc.binary_join_element_wise(json_lines(batch), ",\n", "")
            file.write(separator)
            file.write(content(lines)[: -len(",\n")])
            separator = b",\n"
    file.write(b"\n]\n")


def _write_arrow(rows: _Counted, file: IO[bytes]) -> None:
    with pa.ipc.new_stream(file, rows.schema) as writer:
        for batch in rows:
            writer.write_batch(batch)


def _write_parquet(rows: _Counted, file: IO[bytes]) -> None:
    writer = ParquetWriter(file, rows.schema, [])
    for batch in rows:
        writer.write(pa.Table.from_batches([batch]))
    writer.close()


def _write_markdown(rows: _Counted, file: IO[bytes]) -> None:
    names = rows.schema.names
    file.write(_markdown_row(names))
    file.write(_markdown_row(["---"] * len(names)))
    for batch in rows:
        for row in _cells(batch):
            file.write(_markdown_row(row))


def _markdown_row(cells: list[str]) -> bytes:
    escaped = (cell.replace("\\", "\\\\").replace("|", "\\|") for cell in cells)
    return ("| " + " | ".join(escaped) + " |\n").encode()


def _write_table(rows: _Counted, file: IO[bytes]) -> None:
    cells = [row for batch in rows for row in _cells(batch)]
    names = rows.schema.names
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    right = [_is_number(field.type) for field in rows.schema]
    for row in [names, ["-" * width for width in widths], *cells]:
        padded = (
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        )
        file.write(("  ".join(padded).rstrip() + "\n").encode())


def _print_what_fits(rows: _Counted) -> None:
    """A table as large as the terminal, and on stderr what was left out."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    most = max(10, shutil.get_terminal_size().lines - 5)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for field in rows.schema:
        table.add_column(
            Text(_visible(field.name)),
            justify="right" if _is_number(field.type) else "left",
            overflow="ellipsis",
            no_wrap=True,
        )
    shown = 0
    for batch in rows:
        for row in _cells(batch.slice(0, most - shown)):
            table.add_row(*map(Text, row))
            shown += 1
    Console().print(table)
    if rows.rows > shown:
        sys.stdout.flush()
        left = rows.rows - shown
        print(f"{left:,} more rows (-f csv or -o FILE gives all)", file=sys.stderr)


def _cells(batch: pa.RecordBatch) -> list[list[str]]:
    columns = []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        to_text = _time if field.name.endswith("_time") else _text
        if pa.types.is_binary(field.type):
            columns.append([_size(value) for value in column.to_pylist()])
        elif pa.types.is_nested(field.type):
            texts = json_text(column).to_pylist()
            columns.append(["" if text == "null" else _visible(text) for text in texts])
        else:
            columns.append([to_text(value) for value in column.to_pylist()])
    return [list(row) for row in zip(*columns, strict=True)]


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _size(value: bytes | None) -> str:
    return "" if value is None else f"<{len(value)} bytes>"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e15 else repr(value)
    return _visible(str(value))


def _time(value: Any) -> str:
    """Seconds since the epoch as local time; anything that is no such time as it is."""
    if isinstance(value, float) and 1e8 < value < 1e11:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(value))
    return _text(value)


def _visible(text: str) -> str:
    """Text from a log must not steer the terminal: control characters are spelt out."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


_WRITERS: dict[str, Callable[[_Counted, Any], None]] = {
    "table": _write_table,
    "csv": _write_csv,
    "tsv": _write_tsv,
    "json": _write_json,
    "jsonl": _write_jsonl,
    "markdown": _write_markdown,
    "arrow": _write_arrow,
    "parquet": _write_parquet,
}
