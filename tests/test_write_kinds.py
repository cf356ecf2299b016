"""What people give of each kind, and what is refused."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from oracle import read

import tbtools
from tbtools.output.event_rows import targets
from tbtools.tables.logdir import all_specs

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 3, 2)


def written(logdir: Path, data: Any, of: str, **options: Any) -> list[dict[str, Any]]:
    """The rows of a table after it was written, without run and wall_time."""
    tbtools.write(data, logdir, **options)
    rows = tbtools.open(logdir)[of].to_table().to_pylist()
    return [
        {name: value for name, value in row.items() if name not in ("run", "wall_time")}
        for row in rows
    ]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("images", {"data": [PNG], "format": ["png"]}),
        ("audio", {"data": [b"RIFF"], "sample_rate": [44100.0]}),
        ("text", {"value": ["# Title"]}),
        ("histograms", {"buckets": [[{"left": 0.0, "right": 1.0, "count": 3.0}]]}),
        ("tensors", {"dtype": ["int8"], "values": [[1.0, 2.0]], "shape": [[2]]}),
        ("meshes", {"part": ["vertex"], "values": [[0.0] * 9], "name": ["m"]}),
    ],
)
def test_tables_are_recognised_by_their_columns(
    table: str, columns: dict[str, Any], tmp_path: Path
) -> None:
    keys = {"tag": ["a"], "step": [1]}
    rows = written(tmp_path / "logs", pa.table({**keys, **columns}), table)
    assert len(rows) == 1
    for name, values in columns.items():
        assert [rows[0][name]] == values


def test_graphs_are_recognised_by_their_columns(tmp_path: Path) -> None:
    nodes = {
        "name": ["x", "scope/y"],
        "op": ["Placeholder", "Relu"],
        "inputs": pa.array([[], ["x"]], pa.list_(pa.string())),
        "attrs": pa.array([[("dtype", "float32")], [("T", "float32")]],
                          pa.map_(pa.string(), pa.string())),
        "output_shapes": [[[None, 3]], None],
    }  # fmt: skip
    rows = written(tmp_path / "logs", pa.table(nodes), "graph_nodes")
    assert [row["name"] for row in rows] == ["x", "scope/y"]
    assert [row["output_types"] for row in rows] == [["float32"], ["float32"]]
    assert [row["output_shapes"] for row in rows] == [[[None, 3]], None]
    edges = tbtools.open(tmp_path / "logs").graph_edges.to_table().to_pylist()
    assert [(edge["source"], edge["target"]) for edge in edges] == [("x", "scope/y")]


def test_hyperparameters_need_no_session(tmp_path: Path) -> None:
    frame = pl.DataFrame({"name": ["lr", "units"], "number": [0.1, 32.0]})
    rows = written(tmp_path / "logs", frame, "hparams", run="trial")
    assert [(row["name"], row["type"], row["number"]) for row in rows] == [
        ("lr", "float64", 0.1),
        ("units", "float64", 32.0),
    ]
    sessions = tbtools.open(tmp_path / "logs").hparam_sessions.to_table().to_pylist()
    assert [(row["run"], row["event"]) for row in sessions] == [("trial", "start")]


def test_hyperparameters_begin_with_their_run(tmp_path: Path) -> None:
    scalars = pa.table({"tag": ["a"], "step": [1], "wall_time": [5.0], "value": [1.0]})
    hparams = pa.table({"name": ["lr"], "text": ["x"]})
    tbtools.write({"scalars": scalars, "hparams": hparams}, tmp_path / "logs")
    (path,) = (tmp_path / "logs").glob("*tfevents*")
    events = read(path.read_bytes()).events
    assert [event.wall_time for event in events] == [5.0] * 3
    assert events[1].values[0].tag == "_hparams_/session_start_info"


LABELS: dict[str, Any] = {
    "polars categories": pl.DataFrame({"tag": ["a", "b"]}).cast(pl.Categorical),
    "polars enum": pl.DataFrame({"tag": ["a", "b"]}).cast(pl.Enum(["a", "b"])),
    "pandas categories": pd.DataFrame({"tag": ["a", "b"]}).astype("category"),
    "large strings": pa.table({"tag": pa.array(["a", "b"], pa.large_string())}),
    "views": pa.table({"tag": pa.array(["a", "b"], pa.string_view())}),
    "wide codes": pa.table({"tag": pa.array(["a", "b"], pa.dictionary(pa.int64(), pa.string()))}),
}


@pytest.mark.parametrize("name", LABELS)
def test_tags_may_be_categories(name: str, tmp_path: Path) -> None:
    tags = LABELS[name]
    table = pa.table(tags) if not isinstance(tags, pd.DataFrame) else pa.Table.from_pandas(tags)
    table = table.append_column("step", pa.array([1, 2])).append_column("value", pa.array([1, 2.5]))
    rows = written(tmp_path / "logs", table, "scalars")
    assert [tuple(row.values()) for row in rows] == [("a", 1, 1.0), ("b", 2, 2.5)]


def test_a_frame_of_pandas_keeps_its_nan(tmp_path: Path) -> None:
    frame = pd.DataFrame({"tag": ["a", "a"], "step": [1, 2], "value": [math.nan, 1.0]})
    rows = written(tmp_path / "a", frame, "scalars")
    assert [repr(row["value"]) for row in rows] == ["nan", "1.0"]
    wide = pd.DataFrame({"loss": [math.nan, 1.0]}, index=pd.Index([5, 6], name="step"))
    rows = written(tmp_path / "b", wide, "scalars")  # where a NaN is a cell that is empty
    assert [(row["tag"], row["step"], row["value"]) for row in rows] == [("loss", 6, 1.0)]


def test_tables_of_lazy_frames_are_told_apart(tmp_path: Path) -> None:
    frame = pl.LazyFrame({"tag": ["a"], "step": [1], "value": [1.0]})
    done = tbtools.write({"scalars": frame}, tmp_path / "logs")
    assert done.rows == {"scalars": 1}
    done = tbtools.write({"scalars": {"tag": ["a"], "step": [1], "value": [2]}}, tmp_path / "more")
    assert done.rows == {"scalars": 1}


STRINGS = st.lists(st.binary(max_size=5), max_size=4)
EDGES = st.floats(allow_nan=True)


@given(st.lists(STRINGS, min_size=1, max_size=5))
def test_batches_are_cut_anywhere(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[bytes]]
) -> None:
    rows = [
        {"tag": "a", "step": step, "wall_time": 1.0, "index": index, "data": PNG + data}
        for step, batch in enumerate(batches)
        for index, data in enumerate(batch)
    ]
    if not rows:
        return
    table = pa.Table.from_pylist(rows)
    pieces = [table.slice(at, 1).to_batches()[0] for at in range(len(rows))]
    reader = pa.RecordBatchReader.from_batches(table.schema, pieces)
    logdir = tmp_path_factory.mktemp("images") / "logs"
    found = written(logdir, reader, "images", table="images")
    assert [(row["step"], row["index"], row["data"]) for row in found] == [
        (row["step"], row["index"], row["data"]) for row in rows
    ]


@given(st.lists(st.lists(st.tuples(EDGES, EDGES, EDGES), max_size=5), min_size=1, max_size=5))
def test_any_buckets_come_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[tuple[float, float, float]]]
) -> None:
    names = ("left", "right", "count")
    buckets = [[dict(zip(names, bucket, strict=True)) for bucket in row] for row in rows]
    kind = pa.list_(pa.struct([(name, pa.float64()) for name in names]))
    table = pa.table(
        {
            "tag": ["a"] * len(rows),
            "step": range(len(rows)),
            "buckets": pa.array(buckets, kind),
        }
    )
    found = written(tmp_path_factory.mktemp("buckets") / "logs", table, "histograms")
    assert repr([row["buckets"] for row in found]) == repr(buckets)


KEYS = {"tag": ["a", "a"], "step": [1, 1], "wall_time": [1.0, 1.0]}


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        ("images", {"index": [0, 2], "data": [PNG] * 2}, "index 2 of tag 'a' at step 1 does not"),
        ("images", {"index": [1, 2], "data": [PNG] * 2}, "index 1"),
        ("images", {"data": [PNG, None]}, "row 1 has no data"),
        ("text", {"shape": [[2], [2]], "value": ["a", "b"]}, r"shape \[2\] has 2 strings, and 1"),
        ("tensors", {"dtype": ["int8"] * 2, "values": [[300.0]] * 2}, "int8 numbers"),
        ("tensors", {"dtype": ["int3"] * 2, "values": [[3.0]] * 2}, "'int3'"),
        ("tensors", {"dtype": ["int8"] * 2}, "either values or strings"),
        ("tensors", {"dtype": ["int8"] * 2, "values": [[3.0]] * 2, "shape": [[2]] * 2}, "1 values"),
        ("meshes", {"part": ["edge"] * 2, "values": [[0.0]] * 2}, "'edge' is none of vertex"),
        ("messages", {"type": ["x"] * 2}, "'x' is neither"),
        ("messages", {"type": ["session_log"] * 2, "status": ["begin"] * 2}, "none of start, stop"),
        ("events", {"field": ["x"] * 2, "payload": [b""] * 2}, "field 'x' is none of"),
        ("hparams", {"name": ["a", "a"], "number": [1.0, 2.0]}, "'a' twice"),
        ("hparams", {"name": ["a", "b"], "type": ["int"] * 2}, "unknown type 'int'"),
        ("hparams", {"name": ["a", "b"], "type": ["list"] * 2, "text": ["["] * 2}, "is no list"),
        ("hparam_sessions", {"event": ["x"] * 2}, "neither start nor end"),
        ("hparam_metrics", {"kind": ["x"] * 2, "name": ["a"] * 2}, "none of experiment, metric"),
        ("custom_scalars", {"category": ["a"] * 2, "closed": [True] * 2, "chart": ["c"] * 2,
                            "type": ["pie"] * 2, "index": [0, 1]}, "'pie' is neither"),
        ("graphs", {"graph": ["a"] * 2, "name": ["a"] * 2, "source": ["graph_def"] * 2,
                    "nodes": [1] * 2, "edges": [0] * 2, "functions": [0] * 2}, "graph_nodes"),
    ],
)  # fmt: skip
def test_rows_that_no_event_can_hold_are_refused(
    table: str, columns: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(tbtools.UsageError, match=message) as caught:
        tbtools.write(pa.table({**KEYS, **columns}), tmp_path / "logs", table=table)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_tables_that_look_alike_have_to_be_named(tmp_path: Path) -> None:
    rows = pa.table({"tag": ["a"], "step": [1], "data": [PNG]})
    with pytest.raises(tbtools.UsageError, match="may be audio or images: name the table"):
        tbtools.write(rows, tmp_path / "logs")


def test_every_table_is_written_or_said_not_to_be() -> None:
    text = (ROOT / "docs" / "format.md").read_text("utf-8")
    section = text[text.index("## Written again") : text.index("## Directories")]
    for name, spec in all_specs().items():
        assert f"`{name}`" in section, name
        if name in targets():
            needs = targets()[name].encoder.needs[name]
            assert {*needs} <= {*spec.schema.names}, name
