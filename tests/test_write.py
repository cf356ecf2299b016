"""``tbtools.write``: whatever holds columns → event files."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as pads
import pytest
from conftest import DATA
from event_writing import EventFile
from hypothesis import given
from hypothesis import strategies as st
from oracle import read
from process_memory import is_told, resident

import tbtools

ROWS = {
    "run": ["a", "a", "b/c", "a"],
    "tag": ["loss", "acc", "loss", "loss"],
    "step": [1, 1, 5, 2],
    "wall_time": [10.0, 10.5, 11.0, 12.0],
    "value": [0.5, math.nan, -0.0, math.inf],
}


def table(**columns: list[Any]) -> pa.Table:
    """ROWS, with other columns."""
    return pa.table({**ROWS, **columns})


def scalars(logdir: Path) -> list[tuple[Any, ...]]:
    """The rows of the scalars of a logdir; NaN is itself."""
    rows = tbtools.open(logdir).scalars.to_table().to_pylist()
    return [tuple(repr(each) for each in row.values()) for row in rows]


def expected(rows: pa.Table) -> list[tuple[Any, ...]]:
    """The same rows as ``scalars`` gives them: run by run."""
    by_run = sorted(rows.to_pylist(), key=lambda row: row["run"])
    names = ("run", "tag", "step", "wall_time", "value")
    return [tuple(repr(row[name]) for name in names) for row in by_run]


SOURCES: dict[str, Callable[[pa.Table], Any]] = {
    "pyarrow": lambda rows: rows,
    "reader": lambda rows: rows.to_reader(),
    "batch": lambda rows: rows.combine_chunks().to_batches()[0],
    "dataset": pads.dataset,
    "polars": pl.from_arrow,
    "lazy": lambda rows: pl.DataFrame(pl.from_arrow(rows)).lazy(),
    "pandas": lambda rows: rows.to_pandas(),
    "duckdb": lambda rows: duckdb.from_arrow(rows),
    "columns": lambda rows: rows.to_pydict(),
}


@pytest.mark.parametrize("source", SOURCES)
def test_tables_of_all_libraries_are_written(source: str, tmp_path: Path) -> None:
    rows = table()
    done = tbtools.write(SOURCES[source](rows), tmp_path / "logs")
    assert (done.events, done.rows, done.rounded) == (4, {"scalars": 4}, 0)
    assert scalars(tmp_path / "logs") == expected(rows)
    assert done.files == [
        "a/events.out.tfevents.0000000010.tbtools",
        "b/c/events.out.tfevents.0000000011.tbtools",
    ]


def test_tables_of_logs_are_written(tmp_path: Path) -> None:
    logs = tbtools.open(DATA / "iris")
    tbtools.write(logs.scalars, tmp_path / "logs")
    assert scalars(tmp_path / "logs") == scalars(DATA / "iris")


def test_the_file_begins_as_tensorboard_expects(tmp_path: Path) -> None:
    tbtools.write(table(run=["."] * 4), tmp_path / "logs")
    (path,) = (tmp_path / "logs").glob("*tfevents*")
    events = read(path.read_bytes()).events
    assert (events[0].values[0].field, events[0].wall_time) == ("file_version", 10.0)
    assert events[0].values[0].payload == b"brain.Event:2"
    # Metadata once for each tag, at its first event.
    assert [event.values[0].metadata is not None for event in events[1:]] == [
        True, True, False, False,
    ]  # fmt: skip
    logs = tbtools.open(tmp_path / "logs")
    assert logs.files.to_table()["writer"].to_pylist() == ["tbtools"]
    assert set(logs.tags.to_table()["plugin"].to_pylist()) == {"scalars"}


def test_nothing_depends_on_the_machine(tmp_path: Path) -> None:
    for name in ("one", "other"):
        tbtools.write(table(), tmp_path / name)
    one, other = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*tfevents*")}
        for folder in (tmp_path / "one", tmp_path / "other")
    )
    assert one == other


def test_wide_frames_have_a_tag_per_column(tmp_path: Path) -> None:
    frame = {"step": [1, 2], "wall_time": [1.0, 2.0], "loss": [0.5, None], "acc": [1, 2]}
    tbtools.write(frame, tmp_path / "logs", run="x")
    assert scalars(tmp_path / "logs") == [
        ("'x'", "'loss'", "1", "1.0", "0.5"),
        ("'x'", "'acc'", "1", "1.0", "1.0"),
        ("'x'", "'acc'", "2", "2.0", "2.0"),
    ]


def test_what_is_missing_is_made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 123.0)
    tbtools.write(pl.DataFrame({"loss": [0.5, 0.25]}), tmp_path / "a")
    assert scalars(tmp_path / "a") == [
        ("'.'", "'loss'", "0", "123.0", "0.5"),
        ("'.'", "'loss'", "1", "123.0", "0.25"),
    ]
    tbtools.write({"Step": [3], "Wall time": [1.0], "Value": [0.5]}, tmp_path / "b", tag="loss")
    (path,) = (tmp_path / "b").glob("*tfevents*")
    assert read(path.read_bytes()).events[1].step == 3


def test_times_may_be_timestamps(tmp_path: Path) -> None:
    times = pa.array([1_500_000_000_250] * 4, pa.timestamp("ms", "UTC"))
    tbtools.write(table(wall_time=times), tmp_path / "logs")
    assert {row[3] for row in scalars(tmp_path / "logs")} == {"1500000000.25"}


VALUES = st.floats() | st.binary(min_size=8, max_size=8).map(lambda b: struct.unpack("<d", b)[0])


@given(st.lists(VALUES, min_size=1, max_size=8))
def test_with_exact_every_float64_comes_back(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    logdir = tmp_path_factory.mktemp("exact") / "logs"
    rows = {"tag": ["a"] * len(values), "step": range(len(values)), "value": values}
    done = tbtools.write(pa.table(rows), logdir, exact=True)
    assert done.rounded == 0
    found = tbtools.open(logdir).scalars.to_table()["value"].to_pylist()
    assert [struct.pack("<d", each) for each in found] == [struct.pack("<d", v) for v in values]


def test_without_exact_values_are_rounded_and_counted(tmp_path: Path) -> None:
    done = tbtools.write(table(value=[0.1, 0.5, 1e300, 2.0**24 + 1]), tmp_path / "logs")
    assert done.rounded == 3
    assert {row[4] for row in scalars(tmp_path / "logs")} == {
        "0.10000000149011612", "0.5", "inf", "16777216.0",
    }  # fmt: skip


def test_tables_are_merged_by_time(tmp_path: Path) -> None:
    starts = pa.table({"step": [2], "wall_time": [11.0], "type": ["session_log"],
                       "status": ["start"]})  # fmt: skip
    times = [10.0, 11.0, 12.0, 9.0]  # the last cannot overtake the one before
    rows = table(run=["."] * 4, wall_time=times)
    done = tbtools.write({"scalars": rows, "messages": starts}, tmp_path / "logs")
    assert done.rows == {"scalars": 4, "messages": 1}
    (path,) = (tmp_path / "logs").glob("*tfevents*")
    fields = [event.values[0].field for event in read(path.read_bytes()).events]
    assert fields == ["file_version", "simple_value", "session_log", *["simple_value"] * 3]


def test_names_of_tags_are_written(tmp_path: Path) -> None:
    tags = pa.table(
        {"run": ["a"], "tag": ["loss"], "display_name": ["Loss"], "description": [None]}
    )
    tbtools.write({"scalars": table(), "tags": tags}, tmp_path / "logs")
    found = tbtools.open(tmp_path / "logs").tags.to_table().to_pylist()
    assert {(row["run"], row["tag"]): row["display_name"] for row in found} == {
        ("a", "acc"): None, ("a", "loss"): "Loss", ("b/c", "loss"): None,
    }  # fmt: skip


def test_force_replaces_what_was_written_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "logs"
    tbtools.write(table(), target)
    with pytest.raises(tbtools.TargetExistsError, match="--force"):
        tbtools.write(table(), target)
    tbtools.write(table(run=["new"] * 4), target, force=True)
    assert tbtools.open(target).runs.to_table()["run"].to_pylist() == ["new"]
    EventFile(target / "new" / "events.out.tfevents.5").version()
    with pytest.raises(tbtools.TargetExistsError, match=r"tfevents\.5"):
        tbtools.write(table(), target, force=True)


def test_nothing_is_left_of_a_failure(tmp_path: Path) -> None:
    def failing() -> Any:
        yield from table().to_batches()
        raise RuntimeError("no more")

    reader = pa.RecordBatchReader.from_batches(table().schema, failing())
    with pytest.raises(pa.ArrowInvalid, match="no more"):
        tbtools.write(reader, tmp_path / "logs")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"run": ["../x"] * 4}, "relative path"),
        ({"run": ["/x"] * 4}, "relative path"),
        ({"run": ["a/"] * 4}, "'a'"),
        ({"run": ["x" * 300] * 4}, "255 bytes"),
        ({"step": [0.5] * 4}, "'step' cannot be int64"),
        ({"step": [None, 1, 2, 3]}, "row 0 has no step"),
        ({"value": [1.0, None, 2.0, 3.0]}, "row 1 has no value"),
        ({"value": [b"a"] * 4}, "those of no table"),
        ({"colour": [0] * 4}, "those of no table"),
    ],
)
def test_rows_that_make_no_sense_are_refused(
    columns: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(tbtools.UsageError, match=message):
        tbtools.write(table(**columns), tmp_path / "logs")
    assert list(tmp_path.iterdir()) == []


def test_tables_that_cannot_be_written_say_so(tmp_path: Path) -> None:
    with pytest.raises(tbtools.UsageError, match="'embeddings' cannot be written"):
        tbtools.write(table(), tmp_path / "logs", table="embeddings")
    with pytest.raises(tbtools.UnknownTableError, match="nearest: scalars"):
        tbtools.write(table(), tmp_path / "logs", table="scalar")
    with pytest.raises(tbtools.UnknownNameError, match="nearest: value"):
        tbtools.write(table(values=[1] * 4), tmp_path / "logs", table="scalars")
    with pytest.raises(tbtools.UsageError, match="no table; give"):
        tbtools.write(5, tmp_path / "logs")
    with pytest.raises(tbtools.NothingFoundError, match="no rows"):
        tbtools.write(table().slice(4), tmp_path / "logs")


@pytest.mark.skipif(not is_told, reason="only Linux tells the memory in use so simply")
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(300_000)
    highest = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal highest
        for step in range(300):
            row = {"tag": ["a"], "step": [step], "wall_time": [float(step)], "data": [picture]}
            yield pa.record_batch(row)
            highest = max(highest, resident())

    schema = pa.schema(
        {"tag": pa.string(), "step": pa.int64(), "wall_time": pa.float64(), "data": pa.binary()}
    )
    before = resident()
    tables = {
        "images": pa.RecordBatchReader.from_batches(schema, batches()),
        "scalars": table(run=["."] * 4),
    }
    assert tbtools.write(tables, tmp_path / "logs").events == 304
    assert highest - before < 60_000_000  # of 90 MB of pictures
