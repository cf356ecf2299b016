"""122 real event files, against what TensorBoard reads from them, in full."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from conftest import Cli

import tbtools

#: The one record of the corpus that is damaged.
DAMAGED = "awslabs__sagemaker-debugger/history/ae5aaa6a/newlogsRunTest1/"


@pytest.fixture(scope="module")
def logs(corpus: Path) -> tbtools.Logs:
    return tbtools.open(corpus / "logs")


def truth(corpus: Path, table: str) -> duckdb.DuckDBPyRelation:
    return duckdb.from_arrow(pq.read_table(corpus / "truth" / f"{table}.parquet"))


def run_of(file: str) -> str:
    return file.rpartition("/")[0] or "."


def test_every_scalar_is_there_bit_for_bit_and_in_order(corpus: Path, logs: tbtools.Logs) -> None:
    expected = [
        (run_of(file), tag, step, wall_time, value)
        for file, tag, step, wall_time, value in truth(corpus, "values")
        .filter("scalar IS NOT NULL AND (member = 'simple_value' OR plugin = 'scalars')")
        .project("file, tag, step, wall_time, scalar")
        .fetchall()
    ]
    table = logs.scalars.to_table()
    columns = (table[name].to_pylist() for name in ("run", "tag", "step", "wall_time", "value"))
    found = list(zip(*columns, strict=True))
    assert len(found) == 21_698
    key = lambda row: row[0]  # noqa: E731 - files of the truth are in another order than runs
    assert list(map(repr, sorted(found, key=key))) == list(map(repr, sorted(expected, key=key)))


def test_files_agree(corpus: Path, logs: tbtools.Logs) -> None:
    columns = "file, bytes, events, file_version, writer"
    expected = sorted(truth(corpus, "files").project(columns).fetchall())
    found = logs.files.to_table().to_pylist()
    prefix = f"{corpus / 'logs'}/"
    assert expected == sorted(
        (
            row["path"].removeprefix(prefix),
            row["bytes"],
            row["events"],
            row["file_version"],
            row["writer"],
        )
        for row in found
    )
    (damaged,) = [row for row in found if row["status"] == "damaged"]
    assert damaged["run"].startswith(DAMAGED)
    assert damaged["first_error"] == "wrong data CRC at offset 0, 100 bytes skipped"


def test_tags_count_every_value(corpus: Path, logs: tbtools.Logs) -> None:
    expected: dict[tuple[str, str], int] = {}
    for file, tag, count in (
        truth(corpus, "values").aggregate("file, tag, count(*)", "file, tag").fetchall()
    ):
        expected[run_of(file), tag] = expected.get((run_of(file), tag), 0) + count
    found: dict[tuple[str, str], int] = {}
    for row in logs.tags.to_table().to_pylist():
        key = (row["run"], row["tag"])
        found[key] = found.get(key, 0) + row["points"]
    assert found == expected


def test_export_gives_the_same_rows_and_says_what_is_lost(
    corpus: Path, logs: tbtools.Logs, tmp_path: Path, cli: Cli
) -> None:
    done = cli("export", corpus / "logs", "--parquet", "-o", tmp_path / "x", code=3)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("tbtools:")]
    assert "1 damaged record in 1 of 122 files, 100 bytes skipped" in line
    assert DAMAGED in line
    assert done.stdout == ""
    rows = "run, tag, step, wall_time, value"
    exported = duckdb.sql(f"SELECT {rows} FROM '{tmp_path}/x/scalars/*.parquet' ORDER BY ALL")
    direct = logs.query(f"SELECT {rows} FROM scalars ORDER BY ALL")
    assert list(map(repr, exported.fetchall())) == list(map(repr, direct.fetchall()))
