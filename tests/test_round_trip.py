"""Every table of every golden log, exported to every format and read back equal."""

from __future__ import annotations

import base64
import csv
import json
import math
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import DATA

import tbtools

LOGS = ["handmade", "iris", "malformed", "tf1", "tf2", "torch"]

csv.field_size_limit(1 << 30)


def plain(value: Any, *, text: bool = False) -> Any:
    """A value so that it can be compared; with ``text`` as JSON has it."""
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return repr(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode() if text else value
    if isinstance(value, dict):
        return {key: plain(each, text=text) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each, text=text) for each in value]
    return value


def canonical(rows: list[dict[str, Any]], *, text: bool = False) -> list[str]:
    """Rows in an order of their own."""
    return sorted(repr(plain(row, text=text)) for row in rows)


def expected(logs: tbtools.Logs, table: str, *, text: bool = False) -> list[str]:
    return canonical(logs[table].to_table().to_pylist(), text=text)


def as_typed(value: Any, kind: pa.DataType) -> Any:
    """A JSON value as its column's type has it, as far as JSON has no form for it."""
    if value is None or pa.types.is_dictionary(kind):
        return value
    if pa.types.is_floating(kind):
        return float(value)
    if pa.types.is_list(kind):
        return [as_typed(each, kind.value_type) for each in value]
    if pa.types.is_map(kind):
        pairs = value.items() if isinstance(value, dict) else value
        return [(key, as_typed(each, kind.item_type)) for key, each in pairs]
    if pa.types.is_struct(kind):
        return {field.name: as_typed(value[field.name], field.type) for field in kind}
    return value


def from_csv(text: str, kind: pa.DataType) -> Any:
    """What a cell of CSV says, by the type of its column."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_nested(kind):
        return as_typed(json.loads(text), kind) if text else None
    if not text and not pa.types.is_string(kind):
        return None
    if pa.types.is_integer(kind):
        return int(text)
    if pa.types.is_floating(kind):
        return float(text)
    return text == "true" if pa.types.is_boolean(kind) else text


@pytest.fixture(params=LOGS)
def name(request: pytest.FixtureRequest) -> str:
    """A golden log."""
    log: str = request.param
    return log


def test_parquet_and_arrow_read_back_equal(name: str, tmp_path: Path) -> None:
    logs = tbtools.open(DATA / name)
    done = tbtools.export(DATA / name, tmp_path / "p")
    tbtools.export(DATA / name, tmp_path / "a", format="arrow")
    assert done.rows == {table: rows for table in logs if (rows := logs[table].count_rows())}
    for table in done.rows:
        parquet = pq.read_table(tmp_path / "p" / table)
        assert canonical(parquet.to_pylist()) == expected(logs, table), table
        with pa.ipc.open_file(str(tmp_path / "a" / table / "part-0.arrow")) as file:
            assert canonical(file.read_all().to_pylist()) == expected(logs, table), table
        again = tbtools.open(tmp_path / "p")[table].to_table().to_pylist()
        assert canonical(again) == expected(logs, table), table


def test_duckdb_reads_back_equal(name: str, tmp_path: Path) -> None:
    logs = tbtools.open(DATA / name)
    done = tbtools.export(DATA / name, tmp_path / "x.duckdb", format="duckdb")
    with duckdb.connect(str(tmp_path / "x.duckdb"), read_only=True) as connection:
        for table in done.rows:
            found = connection.sql(f'FROM "{table}"').to_arrow_table().to_pylist()
            assert canonical(found) == expected(logs, table), table


def test_jsonl_reads_back_equal(name: str, tmp_path: Path) -> None:
    logs = tbtools.open(DATA / name)
    done = tbtools.export(DATA / name, tmp_path / "x", format="jsonl")
    for table in done.rows:
        schema = logs[table].schema
        lines = (tmp_path / "x" / f"{table}.jsonl").read_text("utf-8").split("\n")[:-1]
        found = [
            {field.name: as_typed(row[field.name], field.type) for field in schema}
            for row in map(json.loads, lines)
        ]
        assert canonical(found) == expected(logs, table, text=True), table


def test_csv_reads_back_equal(name: str, tmp_path: Path) -> None:
    logs = tbtools.open(DATA / name)
    done = tbtools.export(DATA / name, tmp_path / "x", format="csv")
    for table in done.rows:
        schema = logs[table].schema
        with (tmp_path / "x" / f"{table}.csv").open(newline="", encoding="utf-8") as file:
            found = [
                {field.name: from_csv(row[field.name], field.type) for field in schema}
                for row in csv.DictReader(file)
            ]
        # To Python's reader, a string that is empty and one that is not there are the same.
        rows = [
            {key: "" if value is None and is_text(schema.field(key).type) else value
             for key, value in row.items()}
            for row in logs[table].to_table().to_pylist()
        ]  # fmt: skip
        assert canonical(found) == canonical(rows, text=True), table


def is_text(kind: pa.DataType) -> bool:
    """Whether a column holds strings."""
    return pa.types.is_string(kind.value_type if pa.types.is_dictionary(kind) else kind)
