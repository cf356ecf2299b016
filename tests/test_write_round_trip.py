"""Event files → Parquet → event files: the same tables, but for what docs/format.md says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import DATA
from test_round_trip import canonical

import tbtools
from tbtools.output.event_rows import targets

LOGS = ["handmade", "iris", "malformed", "tensorboardx", "tf1", "tf2", "torch", "torch_resumed"]


def exported(logdir: Path, folder: Path, tables: list[str]) -> dict[str, pa.Table]:
    """Tables of a logdir as they come out of Parquet."""
    done = tbtools.export(logdir, folder, tables=tables)
    return {name: pq.read_table(folder / name) for name in done.rows}


def rows_of(logs: tbtools.Logs, table: str) -> list[dict[str, Any]]:
    """The rows of a table."""
    found: list[dict[str, Any]] = logs[table].to_table().to_pylist()
    return found


@pytest.fixture(params=LOGS)
def name(request: pytest.FixtureRequest) -> str:
    """A golden log."""
    log: str = request.param
    return log


@pytest.mark.parametrize("name", [name for name in LOGS if name != "malformed"])
def test_all_tables_come_back(name: str, tmp_path: Path) -> None:
    logs = tbtools.open(DATA / name)
    tables = exported(DATA / name, tmp_path / "parquet", [*targets(), "tags"])
    tbtools.write(tables, tmp_path / "logs", exact=True)
    again = tbtools.open(tmp_path / "logs")
    for table in tables.keys() - {"tags"}:
        assert canonical(rows_of(again, table)) == canonical(rows_of(logs, table)), table
    assert not [health for health in again.health if health.is_lossy]


def test_each_table_comes_back_alone(name: str, tmp_path: Path) -> None:
    logs = tbtools.open(DATA / name)
    for table in targets():
        if not logs[table].count_rows():
            continue
        tbtools.write(logs[table], tmp_path / table, table=table, exact=True)
        again = tbtools.open(tmp_path / table)
        assert canonical(rows_of(again, table)) == canonical(rows_of(logs, table)), table
