"""Files of tables: one writer for each format."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.jsontext import json_lines, json_text

__all__ = ["SUFFIXES", "WRITERS", "TableWriter", "textual"]

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
        order = [(key, "ascending") for key in keys]
        self._writer = pq.ParquetWriter(
            sink,
            schema,
            compression="zstd",
            compression_level=3,
            use_dictionary=labels or False,
            column_encoding=encodings or None,
            write_page_index=True,
            sorting_columns=pq.SortingColumn.from_ordering(schema, order) if order else None,
        )

    def write(self, table: pa.Table) -> None:
        """Append rows, in row groups."""
        self._writer.write_table(table, row_group_size=ROW_GROUP)

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


def _is_float(kind: pa.DataType) -> bool:
    return bool(pa.types.is_float64(kind) or pa.types.is_float32(kind))


class ArrowWriter:
    """An Arrow IPC file, zstd. Labels are strings: the format allows one dictionary a column."""

    def __init__(self, path: Path, schema: pa.Schema, keys: list[str]) -> None:
        self._schema = _without_dictionaries(schema)
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        self._writer = pa.ipc.new_file(str(path), self._schema, options=options)

    def write(self, table: pa.Table) -> None:
        """Append rows."""
        self._writer.write_table(table.cast(self._schema), max_chunksize=ROW_GROUP)

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


def _without_dictionaries(schema: pa.Schema) -> pa.Schema:
    return pa.schema(
        [
            field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
            for field in schema
        ]
    )


class CsvWriter:
    """RFC 4180 with a header; nested columns as JSON text, bytes as base64, null as nothing."""

    def __init__(
        self, sink: Path | IO[bytes], schema: pa.Schema, keys: list[str], delimiter: str = ","
    ) -> None:
        from pyarrow import csv

        self._schema = pa.schema([(field.name, _text_type(field.type)) for field in schema])
        options = csv.WriteOptions(delimiter=delimiter)
        target = str(sink) if isinstance(sink, Path) else sink
        self._writer = csv.CSVWriter(target, self._schema, write_options=options)

    def write(self, table: pa.Table) -> None:
        """Append rows."""
        for batch in table.to_batches():
            columns = [textual(batch[index]) for index in range(batch.num_columns)]
            self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        """Flush."""
        self._writer.close()


def textual(column: pa.Array) -> pa.Array:
    """A column as CSV can hold it: numbers, strings and booleans stay what they are."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return textual(column.dictionary).take(column.indices)
    if _is_binary(kind):
        encoded = [
            None if value is None else base64.b64encode(value).decode("ascii")
            for value in column.to_pylist()
        ]
        return pa.array(encoded, pa.string())
    if pa.types.is_nested(kind):
        return pc.if_else(column.is_valid(), json_text(column), pa.scalar(None, pa.string()))
    return column if column.type == _text_type(kind) else column.cast(_text_type(kind))


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _text_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _text_type(kind.value_type)
    simple = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    return kind if simple and not pa.types.is_float16(kind) else pa.string()


class JsonlWriter:
    """A JSON object per line, UTF-8."""

    def __init__(self, path: Path, schema: pa.Schema, keys: list[str]) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")

    def write(self, table: pa.Table) -> None:
        """Append rows."""
        for batch in table.to_batches():
            self._file.writelines(line + "\n" for line in json_lines(batch))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


WRITERS: dict[str, Any] = {
    "parquet": ParquetWriter,
    "arrow": ArrowWriter,
    "csv": CsvWriter,
    "jsonl": JsonlWriter,
}
