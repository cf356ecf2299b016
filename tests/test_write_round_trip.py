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


#: What comes back otherwise, or not at all: docs/format.md, "Written again".
LOST = {
    "events": ["reason"],  # metadata of a plugin is not kept, but for its name
    # Keras models come back as graphs of run metadata, and all of those as what is shown.
    "graphs": ["name", "source", "stage", "made_by"],
}


def exported(logdir: Path, folder: Path, tables: list[str]) -> dict[str, pa.Table]:
    """Tables of a logdir as they come out of Parquet."""
    done = tbtools.export(logdir, folder, tables=tables)
    return {name: pq.read_table(folder / name) for name in done.rows}


def rows_of(logs: tbtools.Logs, table: str) -> list[dict[str, Any]]:
    """The rows of a table."""
    found: list[dict[str, Any]] = logs[table].to_table().to_pylist()
    for row in found:
        for column in LOST.get(table, ()):
            del row[column]
        if table == "graph_nodes":
            row["attrs"] = sorted(row["attrs"])
            if row["graph"].startswith("keras"):  # of layers, only the model says what they give
                del row["output_types"]
    # Run metadata without a graph is not written.
    return [row for row in found if table != "graphs" or row["nodes"]]


@pytest.fixture(params=LOGS)
def name(request: pytest.FixtureRequest) -> str:
    """A golden log."""
    log: str = request.param
    return log


def test_all_tables_come_back(name: str, tmp_path: Path) -> None:
    logs = tbtools.open(DATA / name)
    tables = exported(DATA / name, tmp_path / "parquet", [*targets(), "tags"])
    tbtools.write(tables, tmp_path / "logs", exact=True)
    again = tbtools.open(tmp_path / "logs")
    for table in tables.keys() - {"tags"}:
        assert canonical(rows_of(again, table)) == canonical(rows_of(logs, table)), table
    assert canonical(rows_of(again, "graph_edges")) == canonical(rows_of(logs, "graph_edges"))
    assert {health.status for health in again.health} == {"ok"}


def test_each_table_comes_back_alone(name: str, tmp_path: Path) -> None:
    logs = tbtools.open(DATA / name)
    for table in targets():
        if not logs[table].count_rows() or table.startswith("graph"):
            continue
        tbtools.write(logs[table], tmp_path / table, table=table, exact=True)
        again = tbtools.open(tmp_path / table)
        assert canonical(rows_of(again, table)) == canonical(rows_of(logs, table)), table


#: Columns of ``tags`` that come back, and tables of which the time of values is not kept.
KEPT = ["run", "tag", "table", "display_name", "description", "points", "first_step", "last_step",
        "first_time", "last_time"]  # fmt: skip
WITHOUT_TIME = ("hparams", "custom_scalars", "graphs")


def test_tags_come_back_with_their_names(name: str, tmp_path: Path) -> None:
    logs = tbtools.open(DATA / name)
    tbtools.write(exported(DATA / name, tmp_path / "x", [*targets(), "tags"]), tmp_path / "logs")
    found, expected = (
        [
            {column: row[column] for column in KEPT}
            for row in each.tags.to_table().to_pylist()
            if row["table"] not in WITHOUT_TIME
        ]
        for each in (tbtools.open(tmp_path / "logs"), logs)
    )
    assert canonical(found) == canonical(expected)


def test_real_logs_come_back(corpus: Path, tmp_path: Path) -> None:
    files = [path for path in sorted(corpus.glob("logs/**/*tfevents*")) if path.is_file()]
    assert len(files) > 100
    for number, path in enumerate(files):
        logs = tbtools.open(path)
        tables = {table: logs[table].to_table() for table in [*targets(), "tags"]}
        tables = {table: rows for table, rows in tables.items() if rows.num_rows}
        if not tables.keys() - {"tags"}:
            continue
        tbtools.write(tables, tmp_path / str(number), exact=True)
        again = tbtools.open(tmp_path / str(number))
        for table in tables.keys() - {"tags"}:
            message = f"{path}: {table}"
            assert canonical(rows_of(again, table)) == canonical(rows_of(logs, table)), message
