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


#: Tables of which each row tells the value that it comes from.
KEYED = ("scalars", "histograms", "images", "audio", "text", "tensors", "pr_curves", "meshes")
KEYS = "run, tag, step, wall_time"


def test_every_value_is_in_exactly_one_table(corpus: Path, logs: tbtools.Logs) -> None:
    expected = truth(corpus, "values")
    # Layouts, hyperparameters and graphs have rows of another make: their tables count them.
    elsewhere = "plugin IN ('hparams', 'custom_scalars') OR plugin LIKE 'graph%'"
    keys = "CASE WHEN file LIKE '%/%' THEN regexp_replace(file, '/[^/]*$', '') ELSE '.' END"
    values = sorted(
        expected.filter(f"NOT ({elsewhere})").project(f"{keys}, tag, step, wall_time").fetchall()
    )
    found = []
    for table in KEYED:
        # A batch of images has a row for each of them.
        select = "SELECT" if table in ("scalars", "histograms", "tensors") else "SELECT DISTINCT"
        found += logs.query(f"{select} {KEYS} FROM {table}").fetchall()
    assert sorted(found) == values
    counts = dict(
        logs.query(
            'SELECT "table", sum(points)::INT FROM tags WHERE plugin IS NOT NULL GROUP BY "table"'
        ).fetchall()
    )
    assert (counts["hparams"], counts["custom_scalars"], counts["graphs"]) == (44, 1, 65)
    # What is left are events that say nothing at all.
    assert logs.query("SELECT DISTINCT field, tag FROM events").fetchall() == [("none", None)]


def test_images_are_byte_identical(corpus: Path, logs: tbtools.Logs) -> None:
    rows = logs.query("SELECT run, data FROM images").fetchall()
    assert len(rows) == 914
    files = {run: list((corpus / "logs" / run).glob("*tfevents*")) for run, _ in rows}
    stored = {run: b"".join(path.read_bytes() for path in paths) for run, paths in files.items()}
    assert all(len(data) > 50 and data in stored[run] for run, data in rows)


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
