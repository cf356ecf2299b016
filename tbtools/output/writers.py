"""Files of tables: one writer for each format."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.output.json_text import json_lines, json_text
from tbtools.schema import plain_schema

__all__ = [
    "SUFFIXES",
    "WRITERS",
    "CsvWriter",
    "JsonlWriter",
    "ParquetWriter",
    "TableWriter",
    "content",
]

ROW_GROUP = 1 << 17  # rows; statistics prune by it, so not too large

#: What the file of a table is called, by format.
SUFFIXES = {"parquet": ".parquet", "arrow": ".arrow", "csv": ".csv", "jsonl": ".jsonl"}


class TableWriter(Protocol):
    """Writes one table to one file. Batches have the schema that it was made with."""

    def write(self, table: pa.Table) -> None:
        """Append rows."""

    def close(self) -> None:
        """Finish the file."""


class ParquetWriter:
    """zstd; steps as deltas, floats by byte, labels by dictionary. Rows come sorted by ``keys``."""

    def __init__(self, sink: Path | IO[bytes], schema: pa.Schema, keys: list[str]) -> None:
        import pyarrow.parquet as pq

        labels = [field.name for field in schema if pa.types.is_dictionary(field.type)]
        encodings = {field.name: "BYTE_STREAM_SPLIT" for field in schema if _is_float(field.type)}
        encodings |= {
            field.name: "DELTA_BINARY_PACKED" for field in schema if pa.types.is_integer(field.type)
        }
        # The smallest and the largest picture of a page help nobody, and are kept until the end.
        small = [
            field.name
            for field in schema
            if not (pa.types.is_nested(field.type) or pa.types.is_binary(field.type))
        ]
        order = [(key, "ascending") for key in keys]
        self._writer = pq.ParquetWriter(
            sink,
            schema,
            compression="zstd",
            compression_level=3,
            use_dictionary=labels or False,
            column_encoding=encodings or None,
            write_page_index=True,
            write_statistics=small or False,
            sorting_columns=pq.SortingColumn.from_ordering(schema, order) if order else None,
        )

    def write(self, table: pa.Table) -> None:
        """Append rows, in row groups."""
        with self._once():
            self._writer.write_table(table, row_group_size=ROW_GROUP)

    def close(self) -> None:
        """Write the footer."""
        with self._once():
            self._writer.close()

    @contextmanager
    def _once(self) -> Iterator[None]:
        try:
            yield
        except Exception:
            self._writer.is_open = False  # or its destructor tries again, and prints why it cannot
            raise


def _is_float(kind: pa.DataType) -> bool:
    return bool(pa.types.is_float64(kind) or pa.types.is_float32(kind))


class ArrowWriter:
    """An Arrow IPC file, zstd. Labels are strings: the format allows one dictionary a column."""

    def __init__(self, path: Path, schema: pa.Schema, keys: list[str]) -> None:
        self._schema = plain_schema(schema)
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        self._writer = pa.ipc.new_file(str(path), self._schema, options=options)

    def write(self, table: pa.Table) -> None:
        """Append rows."""
        self._writer.write_table(table.cast(self._schema), max_chunksize=ROW_GROUP)

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


class _TextWriter:
    """Lines of UTF-8 to a file of its own, or to one that somebody else closes."""

    def __init__(self, sink: Path | IO[bytes]) -> None:
        self._own = isinstance(sink, Path)
        self._file = sink.open("wb") if isinstance(sink, Path) else sink

    def write(self, table: pa.Table) -> None:
        """Append rows."""
        for batch in table.to_batches():
            if batch.num_rows:
                self._file.write(content(self._lines(batch)))

    def _lines(self, batch: pa.RecordBatch) -> pa.StringArray:
        raise NotImplementedError

    def close(self) -> None:
        """Close the file if it is our own."""
        if self._own:
            self._file.close()


def content(lines: pa.StringArray) -> memoryview:
    """The bytes of all strings of an array, one behind the other, without copying them."""
    _, offsets, data = lines.buffers()
    ends = memoryview(offsets).cast("i")
    return memoryview(data)[ends[lines.offset] : ends[lines.offset + len(lines)]]


class JsonlWriter(_TextWriter):
    """A JSON object per line."""

    def __init__(self, sink: Path | IO[bytes], schema: pa.Schema, keys: list[str]) -> None:
        super().__init__(sink)

    def _lines(self, batch: pa.RecordBatch) -> pa.StringArray:
        return pc.binary_join_element_wise(json_lines(batch), "\n", "")


class CsvWriter(_TextWriter):
    """RFC 4180 with a header, quotes where they are needed; null is nothing, "" is quoted.

    Nested columns are JSON text, bytes base64. With ``safe``, text that a spreadsheet would take
    for a formula has an apostrophe before it.
    """

    def __init__(
        self,
        sink: Path | IO[bytes],
        schema: pa.Schema,
        keys: list[str],
        delimiter: str = ",",
        safe: bool = False,
    ) -> None:
        super().__init__(sink)
        self._delimiter = delimiter
        self._safe = safe
        header = pa.array(schema.names, pa.string())
        names = _quoted(_defused(header) if safe else header, delimiter).to_pylist()
        self._file.write((delimiter.join(names) + "\n").encode())

    def _lines(self, batch: pa.RecordBatch) -> pa.StringArray:
        cells = [_cells(column, self._delimiter, self._safe) for column in batch.columns]
        rows = pc.binary_join_element_wise(*cells, self._delimiter)
        return pc.binary_join_element_wise(rows, "\n", "")


def _cells(column: pa.Array, delimiter: str, safe: bool) -> pa.StringArray:
    """A column as it stands in CSV."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        cells = _cells(column.dictionary, delimiter, safe).take(column.indices)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        texts = column.cast(pa.string())
        cells = _quoted(_defused(texts) if safe else texts, delimiter)
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        texts = pa.array([_base64(value) for value in column.to_pylist()], pa.string())
        cells = _defused(texts) if safe else texts
    elif pa.types.is_nested(kind):
        texts = pc.if_else(column.is_valid(), json_text(column), pa.scalar(None, pa.string()))
        cells = _quoted(texts, delimiter)
    else:
        cells = column.cast(pa.string())
    return pc.fill_null(cells, "")


def _defused(texts: pa.StringArray) -> pa.StringArray:
    """With an apostrophe before what a spreadsheet would run (OWASP, "CSV Injection")."""
    return pc.replace_substring_regex(texts, "\\A([=+\\-@\t\r])", "'\\1")


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode("ascii")


def _quoted(texts: pa.StringArray, delimiter: str) -> pa.StringArray:
    needed = pc.or_(
        pc.match_substring_regex(texts, f'["\r\n{delimiter}]'), pc.equal(pc.binary_length(texts), 0)
    )
    if not pc.any(needed).as_py():
        return texts
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(texts, '"', '""'), '"', "")
    return pc.if_else(needed, quoted, texts)


WRITERS: dict[str, Any] = {
    "parquet": ParquetWriter,
    "arrow": ArrowWriter,
    "csv": CsvWriter,
    "jsonl": JsonlWriter,
}
