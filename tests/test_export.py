"""Export: formats, round trips, atomic replacement, wide tables, sorting."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import DATA
from event_writing import EventFile

import tbtools
from tbtools.output.sorting import SortedChunks, sorted_rows
from tbtools.output.targets import staged
from tbtools.tables.manifest import write_manifest

VALUES = [0.1, math.nan, math.inf, -math.inf, -0.0, 1e-300]


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    """Two runs; odd values, an odd tag, and an event that no table claims."""
    for run in ("a", "b"):
        file = EventFile(tmp_path / "logs" / run / "events.tfevents").version()
        for step in range(5, -1, -1):
            file.tensor_scalar("val/loss", step, VALUES[step], "float64")
            file.scalar('a "tag", with commas\nand lines', step, step)
        file.value("odd", 3, "obsolete_old_style_histogram", b"\x00\xff")
    return tmp_path / "logs"


def bits(rows: list[tuple[object, ...]]) -> list[str]:
    return sorted(map(repr, rows))


def original(logdir: Path, columns: str) -> list[str]:
    return bits(tbtools.query(f"SELECT {columns} FROM scalars", logdir).fetchall())


COLUMNS = "run, tag, step, wall_time, value"


def test_parquet_reads_back_equal_everywhere(logdir: Path, tmp_path: Path) -> None:
    done = tbtools.export(logdir, tmp_path / "x")
    assert done.rows["scalars"] == 24
    expected = original(logdir, COLUMNS)
    assert (
        bits(duckdb.sql(f"SELECT {COLUMNS} FROM '{tmp_path}/x/scalars/*.parquet'").fetchall())
        == expected
    )
    assert bits(pl.scan_parquet(tmp_path / "x" / "scalars").collect().rows()) == expected
    assert original(tmp_path / "x", COLUMNS) == expected
    assert tbtools.open(tmp_path / "x").tables == tuple(done.rows)


def test_parquet_is_sorted_and_encoded_as_promised(logdir: Path, tmp_path: Path) -> None:
    tbtools.export(logdir, tmp_path / "x", tables=["scalars"])
    file = pq.ParquetFile(tmp_path / "x" / "scalars" / "part-0.parquet")
    table = file.read()
    keys = list(zip(*(table[name].to_pylist() for name in ("run", "tag", "step")), strict=True))
    assert keys == sorted(keys)
    group = file.metadata.row_group(0)
    encodings = {
        group.column(index).path_in_schema: group.column(index).encodings
        for index in range(group.num_columns)
    }
    assert "DELTA_BINARY_PACKED" in encodings["step"]
    assert "BYTE_STREAM_SPLIT" in encodings["value"]
    assert "RLE_DICTIONARY" in encodings["tag"]
    assert group.column(0).compression == "ZSTD"
    assert len(group.sorting_columns) == 3


def test_arrow_reads_back_equal(logdir: Path, tmp_path: Path) -> None:
    tbtools.export(logdir, tmp_path / "x", format="arrow")
    assert original(tmp_path / "x", COLUMNS) == original(logdir, COLUMNS)
    with pa.ipc.open_file(str(tmp_path / "x" / "scalars" / "part-0.arrow")) as file:
        assert file.read_all().num_rows == 24


def test_duckdb_reads_back_equal(logdir: Path, tmp_path: Path) -> None:
    tbtools.export(logdir, tmp_path / "x.duckdb", format="duckdb")
    with duckdb.connect(str(tmp_path / "x.duckdb"), read_only=True) as connection:
        found = connection.execute(f"SELECT {COLUMNS} FROM scalars").fetchall()
        assert bits(found) == original(logdir, COLUMNS)
        payload = connection.execute("SELECT DISTINCT payload FROM events").fetchall()
        assert payload == [(b"\x00\xff",)]


def test_csv_reads_back_equal(logdir: Path, tmp_path: Path) -> None:
    tbtools.export(logdir, tmp_path / "x", format="csv")
    with (tmp_path / "x" / "scalars.csv").open(newline="") as file:
        found = [
            (row["run"], row["tag"], int(row["step"]), float(row["wall_time"]), float(row["value"]))
            for row in csv.DictReader(file)
        ]
    assert bits(found) == original(logdir, COLUMNS)
    with (tmp_path / "x" / "events.csv").open(newline="") as file:
        assert {row["payload"] for row in csv.DictReader(file)} == {"AP8="}
    with (tmp_path / "x" / "runs.csv").open(newline="") as file:
        assert [json.loads(row["tables"]) for row in csv.DictReader(file)] == [
            ["events", "scalars"]
        ] * 2


def test_jsonl_reads_back_equal(logdir: Path, tmp_path: Path) -> None:
    tbtools.export(logdir, tmp_path / "x", format="jsonl")
    lines = (tmp_path / "x" / "scalars.jsonl").read_text("utf-8").splitlines()
    found = [
        (row["run"], row["tag"], row["step"], float(row["wall_time"]), float(row["value"]))
        for row in map(json.loads, lines)
    ]
    assert bits(found) == original(logdir, COLUMNS)
    assert '"value":"NaN"' in "".join(lines)


def test_a_single_table_may_be_a_single_file(logdir: Path, tmp_path: Path) -> None:
    tbtools.export(logdir, tmp_path / "s.parquet", tables=["scalars"])
    assert pq.read_table(tmp_path / "s.parquet").num_rows == 24
    with pytest.raises(tbtools.UsageError, match="--table"):
        tbtools.export(logdir, tmp_path / "all.parquet")


def test_nothing_is_overwritten_without_force(logdir: Path, tmp_path: Path) -> None:
    tbtools.export(logdir, tmp_path / "x", tables=["scalars"])
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(tbtools.TargetExistsError, match="--force"):
        tbtools.export(logdir, tmp_path / "x")
    assert sorted(tmp_path.rglob("*")) == before
    tbtools.export(logdir, tmp_path / "x", tables=["tags"], force=True)
    assert tbtools.open(tmp_path / "x").tables == ("tags",)


def test_force_does_not_replace_what_is_not_ours(logdir: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("years of work")
    with pytest.raises(tbtools.TargetExistsError, match="did not write"):
        tbtools.export(logdir, tmp_path / "home", force=True)
    assert (tmp_path / "home" / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("place", ["out", "a/out", "."])
def test_nothing_is_written_into_a_logdir(logdir: Path, place: str) -> None:
    before = sorted(logdir.rglob("*"))
    with pytest.raises(tbtools.UsageError, match="logdir"):
        tbtools.export(logdir, logdir / place, force=True)
    with pytest.raises(tbtools.UsageError, match="logdir"):
        tbtools.export(f"name={logdir}", logdir / place, force=True)
    assert sorted(logdir.rglob("*")) == before


def test_a_failure_leaves_the_old_output_and_no_rubbish(logdir: Path, tmp_path: Path) -> None:
    tbtools.export(logdir, tmp_path / "x")
    before = {path: path.read_bytes() for path in (tmp_path / "x").rglob("*") if path.is_file()}
    data = bytearray((logdir / "b" / "events.tfevents").read_bytes())
    data[60] ^= 1
    (logdir / "b" / "events.tfevents").write_bytes(data)
    with pytest.raises(tbtools.DamageError):
        tbtools.export(logdir, tmp_path / "x", force=True, on_damage="fail")
    assert {path: path.read_bytes() for path in before} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "x"]


def test_readers_see_the_old_folder_or_the_new_one(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.mkdir()
    (target / "old").write_text("")
    write_manifest(target, "csv", {}, {})
    with staged(target, force=True, folder=True) as beside:
        beside.mkdir()
        (beside / "new").write_text("")
        assert sorted(path.name for path in target.iterdir()) == ["manifest.json", "old"]
    assert [path.name for path in target.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [target]


def test_nothing_to_export_is_an_error(tmp_path: Path) -> None:
    EventFile(tmp_path / "logs" / "tfevents").version()
    with pytest.raises(tbtools.NothingFoundError, match="no rows in scalars"):
        tbtools.export(tmp_path / "logs", tmp_path / "x", tables=["scalars"])
    assert not (tmp_path / "x").exists()


def test_an_exported_dataset_takes_selections_but_no_restarts(logdir: Path, tmp_path: Path) -> None:
    tbtools.export(logdir, tmp_path / "x")
    logs = tbtools.open(tmp_path / "x", run="b", tag="val/*", steps="2:4")
    found = logs.query("SELECT run, tag, step FROM scalars").fetchall()
    assert found == [("b", "val/loss", 2), ("b", "val/loss", 3)]
    with pytest.raises(tbtools.UsageError, match="--restarts"):
        tbtools.open(tmp_path / "x", restarts="latest")
    tbtools.export(logdir, tmp_path / "text", format="csv")
    with pytest.raises(tbtools.UsageError, match="csv"):
        tbtools.open(tmp_path / "text")


def wide(logdir: Path, tmp_path: Path, **options: object) -> list[dict[str, object]]:
    """The rows of a wide export."""
    output = tmp_path / "wide.parquet"
    tbtools.export(logdir, output, wide=True, force=True, **options)
    return pq.read_table(output).to_pylist()


def test_wide_has_no_column_of_what_is_no_scalar_or_was_not_asked_for(tmp_path: Path) -> None:
    tbtools.export(DATA / "iris", tmp_path / "all.csv", format="csv", wide=True)
    columns = (tmp_path / "all.csv").read_text().partition("\n")[0].split(",")
    tags = tbtools.query("SELECT DISTINCT tag FROM scalars ORDER BY tag", DATA / "iris").fetchall()
    assert columns[3:] == [tag for (tag,) in tags]
    logs = tbtools.open(DATA / "iris", tag="epoch_a*")
    tbtools.export(logs, tmp_path / "one.csv", format="csv", wide=True)
    line = (tmp_path / "one.csv").read_text().partition("\n")[0]
    assert line == "run,step,wall_time,epoch_accuracy"


def test_wide_has_a_column_per_tag(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "logs" / "tfevents").version()
    file.scalar("a", 1, 1.0, wall_time=10.0).scalar("b", 1, 2.0, wall_time=11.0)
    file.scalar("b", 2, math.nan, wall_time=12.0).scalar("Step", 2, 3.0, wall_time=12.0)
    first, second = wide(tmp_path / "logs", tmp_path)
    assert first == {
        "run": ".", "step": 1, "wall_time": 11.0, "a": 1.0, "b": 2.0, "Step (tag)": None,
    }  # fmt: skip
    assert second["a"] is None
    assert math.isnan(second["b"])
    assert second["Step (tag)"] == 3.0


@pytest.mark.parametrize(("how", "expected"), [("last", 3.0), ("first", 1.0), ("mean", 2.0)])
def test_wide_makes_one_value_of_duplicates(tmp_path: Path, how: str, expected: float) -> None:
    file = EventFile(tmp_path / "logs" / "tfevents").version()
    for value in (1.0, 2.0, 3.0):
        file.scalar("a", 7, value)
    assert wide(tmp_path / "logs", tmp_path, duplicates=how)[0]["a"] == expected
    done = tbtools.export(tmp_path / "logs", tmp_path / "w.csv", format="csv", wide=True)
    assert done.duplicates == 2
    with pytest.raises(tbtools.UsageError, match="2 values share"):
        wide(tmp_path / "logs", tmp_path, duplicates="error")


def test_rows_are_sorted_in_bounded_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tbtools.output.sorting.MOST_ROWS", 100)
    chunks: list[pa.Table] = []
    waiting = SortedChunks(chunks.append)
    for step in range(0, 250, 10):
        column = pa.array(["y", "x"] * 5).dictionary_encode()
        waiting.add(
            pa.record_batch(
                {"run": column, "tag": column, "step": list(range(step + 10, step, -1))}
            )
        )
    waiting.flush()
    assert waiting.rows == sum(chunk.num_rows for chunk in chunks) == 250
    assert max(chunk.num_rows for chunk in chunks) <= 110
    for chunk in chunks:
        rows = [tuple(row.values()) for row in chunk.to_pylist()]
        assert rows == sorted(rows)


def test_rows_that_agree_in_all_keys_stay_in_order() -> None:
    table = pa.table(
        {
            "run": pa.array(["b", "a", "b", "a", "b"]).dictionary_encode(),
            "tag": pa.array(["t", None, "t", "t", "t"]).dictionary_encode(),
            "step": [5, 1, 4, 1, 4],
            "value": [0, 1, 2, 3, 4],
        }
    )
    assert sorted_rows(table)["value"].to_pylist() == [3, 1, 2, 4, 0]
