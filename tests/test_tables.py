"""Lazy tables keep the word of pyarrow's Dataset, of a logdir as of its export."""

from __future__ import annotations

import importlib
import inspect
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as pads
import pytest
from event_writing import EventFile, bytes_field
from polars.testing import assert_frame_equal

import tbtools
from tbtools.decode.kind import Events
from tbtools.kinds import images
from tbtools.logs import Logs
from tbtools.runs import reading
from tbtools.tables import logdir as logdir_tables
from tbtools.tables.table import LazyTable

RUNS, STEPS = ("a", "b"), 30


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs with two scalars and an image."""
    folder = tmp_path_factory.mktemp("tables") / "logs"
    for run in RUNS:
        file = EventFile(folder / run / "events.tfevents").version()
        for step in range(STEPS):
            file.scalar("loss", step, 1 / (step + 1)).scalar("val/loss", step, float("nan"))
    return folder


@pytest.fixture(params=["logdir", "parquet", "arrow"])
def logs(request: pytest.FixtureRequest, logdir: Path, tmp_path: Path) -> Iterator[Logs]:
    """The same logs from event files and from what was exported of them."""
    path = logdir
    if request.param != "logdir":
        path = tmp_path / "out"
        tbtools.export(logdir, path, format=request.param)
    with tbtools.open(path) as opened:
        yield opened


def call(table: LazyTable, name: str) -> object:
    """What a method of Dataset gives, with plausible arguments."""
    arguments: dict[str, tuple[object, ...]] = {
        "filter": (pads.field("step") > 3,),
        "head": (5,),
        "replace_schema": (table.schema,),
        "sort_by": ("step",),
        "take": ([0, 3],),
    }
    loss = table.filter(pads.field("tag") == "loss")
    if name == "join":
        return table.join(loss, ["run", "step"], right_suffix="_right")
    if name == "join_asof":
        steps = pads.InMemoryDataset(pa.table({"run": ["a"] * 3, "step": [0, 10, 20]}))
        return loss.filter(pads.field("run") == "a").join_asof(steps, "step", "run", 0)
    return getattr(table, name)(*arguments.get(name, ()))


PUBLIC = [name for name in dir(pads.Dataset) if not name.startswith("_")]


@pytest.mark.parametrize("name", PUBLIC)
def test_what_a_dataset_can_do_works_or_says_why_not(logs: Logs, name: str) -> None:
    table = logs.scalars
    assert name in LazyTable.__dict__, "it would run on a C++ object that is not there"
    if not callable(inspect.getattr_static(pads.Dataset, name)):
        assert getattr(table, name) is not None
        return
    if name in ("get_fragments", "replace_schema"):
        with pytest.raises(tbtools.UnsupportedError, match="scalars"):
            call(table, name)
        return
    made = call(table, name)
    if isinstance(made, pads.Dataset):
        made = made.to_table()
    if isinstance(made, pa.Table):
        assert made.num_rows == {
            "head": 5, "take": 2, "filter": 104, "join_asof": STEPS,
        }.get(name, 120)  # fmt: skip


def test_a_table_says_that_it_cannot_be_pickled(logs: Logs) -> None:
    with pytest.raises(tbtools.UnsupportedError, match="scalars cannot be pickled"):
        pickle.dumps(logs.scalars)


def test_unknown_arguments_are_refused_and_tuning_changes_nothing(logs: Logs) -> None:
    table = logs.scalars
    assert table.to_table(use_threads=False, batch_size=7).num_rows == 120
    with pytest.raises(TypeError, match="colums"):
        table.scanner(colums=["step"])
    with pytest.raises(TypeError, match="colums"):
        table.to_table(colums=["step"])


def test_all_readings_take_columns_filter_and_limit(logs: Logs) -> None:
    table = logs.scalars
    columns = ["step", "tag"]
    for condition in (pads.field("tag") == "loss", pl.col("tag") == "loss"):
        asked = {"columns": columns, "filter": condition, "limit": 7}
        expected = table.to_table(**asked)
        assert expected.column_names == columns
        assert expected.num_rows == 7
        assert set(expected["tag"].to_pylist()) == {"loss"}
        rows = expected.to_pylist()
        assert table.to_reader(**asked).read_all().to_pylist() == rows
        assert [row for batch in table.to_batches(**asked) for row in batch.to_pylist()] == rows
        assert table.to_pandas(**asked).to_dict("records") == rows
        assert table.to_polars(**asked).to_dicts() == rows
        assert table.lazy(**asked).collect().to_dicts() == rows
    assert table.to_table(limit=0).num_rows == 0
    parameters = [
        list(inspect.signature(getattr(LazyTable, name)).parameters)[1:4]
        for name in ("to_table", "to_pandas", "to_polars", "to_reader", "to_batches", "lazy")
    ]
    assert parameters == [["columns", "filter", "limit"]] * 6


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"columns": ["stpe"]}, "no column is called 'stpe'; nearest: step"),
        ({"columns": "step"}, "columns are a list of names"),
        ({"columns": {"x": pads.field("step")}}, "columns are a list of names"),
        ({"filter": pads.field("stpe") > 1}, "no column is called 'stpe'; nearest: step"),
        ({"filter": pl.col("stpe") > 1}, "no column is called 'stpe'; nearest: step"),
        ({"filter": pads.field("tag") > 1}, "pyarrow refuses the filter"),
        ({"filter": "step > 1"}, "a filter is an expression"),
        ({"limit": -1}, "a limit of -1 rows makes no sense"),
    ],
)
def test_mistakes_are_told(logs: Logs, asked: dict[str, object], message: str) -> None:
    with pytest.raises(tbtools.UsageError, match=message):
        logs.scalars.to_table(**asked)


def test_filters_of_a_filtered_table_add_up(logs: Logs) -> None:
    table = logs.scalars.filter(pads.field("run") == "b").filter(pl.col("tag") == "loss")
    assert table.count_rows() == STEPS
    assert table.count_rows(filter=pads.field("step") < 3) == 3
    assert set(table.to_table(["run"])["run"].to_pylist()) == {"b"}
    assert table.lazy().filter(pl.col("step") == 1).select(pl.len()).collect().item() == 1


def test_whoever_takes_arrow_takes_a_table(logs: Logs) -> None:
    table = logs.scalars
    frame = table.to_polars()
    assert frame.height == 120
    assert_frame_equal(pl.DataFrame(table), frame)
    assert pa.table(table).num_rows == 120
    assert pd.DataFrame.from_arrow(table).shape == (120, 5)
    requested = pa.schema([("step", pa.int32()), ("tag", pa.large_string())])
    stream = table.__arrow_c_stream__(requested.__arrow_c_schema__())
    read = pa.RecordBatchReader._import_from_c_capsule(stream).read_all()
    assert read.schema == requested
    assert read.num_rows == 120


def test_duckdb_pushes_columns_and_filters_into_a_table(
    logdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    read = reading.read_files

    def spy(files: object, selection: object, choice: object) -> object:
        asked.append(selection)
        return read(files, selection, choice)

    monkeypatch.setattr(logdir_tables, "read_files", spy)
    with duckdb.connect() as connection:
        connection.register("s", tbtools.open(logdir, threads=1).scalars)
        sql = "SELECT max(step) FROM s WHERE tag = 'loss' AND run = 'b'"
        assert connection.execute(sql).fetchall() == [(STEPS - 1,)]
    (selection,) = asked
    assert selection.columns["scalars"] == {"run", "tag", "step", "wall_time"}
    assert selection.wants_tags(["loss", "val/loss"], "b") == [True, False]
    assert selection.wants_runs(["a", "b"]) == [False, True]


def test_to_pandas_says_which_extra_brings_pandas(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(tbtools.UsageError, match=r"pip install 'tbtools-tfevents\[pandas\]'"):
        logs.scalars.to_pandas()


def test_tables_and_views_are_found_alike(logs: Logs) -> None:
    assert "stats" not in logs.tables
    assert "stats" in logs.views
    assert "stats" in logs
    assert logs["stats"].count_rows() == logs.stats.count_rows() == 4
    assert logs.get("stats") is logs["stats"]
    assert logs.get("nothing") is None
    assert not hasattr(logs, "nothing")
    with pytest.raises(KeyError, match="no table is called 'scalar'; nearest: scalars"):
        logs["scalar"]
    with pytest.raises(AttributeError, match="nearest: scalars"):
        _ = logs.scalar
    assert [name for name, _ in logs.scan(["stats"])] == ["stats"]


def test_a_statement_may_name_a_table_in_pieces(logs: Logs) -> None:
    sql = "SELECT count(*) FROM query_table('sca' || 'lars')"
    assert logs.sql(sql).fetchall() == [(120,)]


def test_scans_are_what_polars_users_expect(logdir: Path) -> None:
    frame = tbtools.scan_scalars(logdir, run="a")
    assert isinstance(frame, pl.LazyFrame)
    assert frame.filter(pl.col("tag") == "loss").collect().height == STEPS
    assert tbtools.scan("stats", logdir).collect().height == 4
    assert {"scan_scalars", "scan_graph_nodes", "scan_stats", "open"} <= set(dir(tbtools))
    with pytest.raises(AttributeError, match="nearest: scalars"):
        _ = tbtools.scan_scalar


def test_what_is_shown_escapes_what_logs_say(logs: Logs) -> None:
    assert "step int64" in repr(logs.scalars)
    assert "2 runs (a, b)" in repr(logs)
    assert "<td>step</td><td>int64</td>" in logs.scalars._repr_html_()
    assert "scalars" in logs._repr_html_()


def test_options_that_do_nothing_are_refused(logdir: Path, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="forse"):
        tbtools.export(logdir, tmp_path / "x", forse=True)
    with tbtools.open(logdir) as logs:
        with pytest.raises(tbtools.UsageError, match="run: these logs are open"):
            tbtools.export(logs, tmp_path / "x", run="a")
        assert logs.export(tmp_path / "x", tables=["scalars"]).rows == {"scalars": 120}
    with pytest.raises(TypeError, match="thread"):
        tbtools.open(logdir, thread=1)


def test_verbs_are_functions_and_methods_alike(logdir: Path, tmp_path: Path) -> None:
    with tbtools.open(logdir) as logs:
        assert logs.ls(sort="points", limit=1).equals(tbtools.ls(logdir, sort="points", limit=1))
        assert tbtools.ls(logs, tags=True).num_rows == 4
        with pytest.raises(tbtools.NothingFoundError):
            logs.graph(nodes=True)
        with pytest.raises(tbtools.NothingFoundError):
            logs.media(tmp_path / "media")
    data = Path(__file__).parent / "data" / "torch"
    assert tbtools.graph(data, nodes=True).num_rows == tbtools.open(data).graph_nodes.count_rows()
    assert "digraph" in "".join(tbtools.graph_drawing(data, "dot", run="."))
    assert tbtools.graph_diff(data, data).num_rows == 0
    assert tbtools.media(data, tmp_path / "media", tables=["text"]).files["text"] > 0
    for name in ("export", "graph", "ls", "media", "query", "scan"):
        importlib.import_module(f"tbtools.verbs.{name}")
        assert inspect.isfunction(getattr(tbtools, name))


# --- logs that grow ------------------------------------------------------------------------------


def test_a_log_that_grows_is_read_as_it_was_until_it_is_refreshed(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "logs" / "a" / "events.tfevents").version()
    file.scalar("x", 1, 1.0).scalar("x", 2, 2.0)
    with tbtools.open(tmp_path / "logs", restarts="latest") as logs:
        assert logs.scalars.to_table()["value"].to_pylist() == [1.0, 2.0]
        assert not logs.refresh()
        file.session_start(2).scalar("x", 2, 20.0).scalar("new", 2, 5.0)
        EventFile(tmp_path / "logs" / "b" / "events.tfevents").version().scalar("x", 7, 7.0)
        for _ in range(2):
            assert logs.scalars.to_table()["value"].to_pylist() == [1.0, 2.0]
            assert logs.tags.to_table()["points"].to_pylist() == [2]
            assert logs.sql("SELECT events FROM files").fetchall() == [(3,)]
        assert logs.refresh()
        values = logs.scalars.to_table(filter=pads.field("tag") == "x")["value"].to_pylist()
        assert values == [1.0, 20.0, 7.0]
        tags = logs.tags.to_table().to_pylist()
        assert [(row["run"], row["tag"]) for row in tags] == [("a", "new"), ("a", "x"), ("b", "x")]
        assert not logs.refresh()


def test_files_and_health_agree_when_a_log_is_damaged_later(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "logs" / "events.tfevents").version().scalar("x", 1, 1.0)
    with tbtools.open(tmp_path / "logs") as logs:
        assert logs.tags.count_rows() == 1
        file.scalar("x", 2, 2.0).junk(b"not a record" * 9)

        def damaged() -> tuple[int, int]:
            rows = logs.files.to_table()["damaged_records"].to_pylist()
            logs.scalars.count_rows()
            return sum(rows), sum(health.damaged_records for health in logs.health)

        assert damaged() == (0, 0)
        assert logs.refresh()
        assert damaged() == (1, 1)


# --- columns and filters are pushed down ---------------------------------------------------------


def test_image_headers_are_read_only_where_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at = []
    header_of = images.header_of

    def spy(image: memoryview) -> object:
        looked_at.append(len(image))
        return header_of(image)

    monkeypatch.setattr(images, "header_of", spy)
    with tbtools.open(Path(__file__).parent / "data" / "torch") as logs:
        count = logs.images.count_rows()
        logs.images.to_table(["step", "index"])
        logs.images.to_table(["data"])
        assert looked_at == []
        assert len(logs.images.to_table(["width"])) == len(looked_at) == count


@pytest.mark.parametrize("name", ["torch", "tensorboardx", "tf1", "tf2", "handmade"])
def test_heads_of_images_say_what_whole_images_say(name: str) -> None:
    with tbtools.open(Path(__file__).parent / "data" / name) as logs:
        whole = logs.images.to_polars()
        columns = [column for column in whole.columns if column != "data"]
        assert whole.height
        assert_frame_equal(logs.images.to_polars(columns), whole.select(columns))


def test_a_kind_is_told_which_columns_are_wanted() -> None:
    empty = pa.RecordBatch.from_pylist([], pa.schema([("run", pa.string())]))
    events = Events(empty, *[pa.array([], pa.binary())] * 4)
    assert events.wants("data")
    events = Events(empty, *[pa.array([], pa.binary())] * 4, wanted=frozenset({"step"}))
    assert not events.wants("data", "width")
    assert events.wants("data", "step")


PEAK = """
import sys, pyarrow as pa, tbtools
with tbtools.open(sys.argv[1]) as logs:
    print(logs.query(sys.argv[2]).fetchall()[0][0], pa.default_memory_pool().max_memory())
"""


def test_a_column_of_an_export_is_read_without_the_others(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "logs" / "events.tfevents").version()
    for step in range(64):
        file.value("x", step, "image", bytes_field(4, bytes([step]) * (1 << 20)))
    tbtools.export(tmp_path / "logs", tmp_path / "out")
    sql = "SELECT sum(step) FROM images WHERE step >= 60"
    done = subprocess.run(
        [sys.executable, "-P", "-c", PEAK, str(tmp_path / "out"), sql],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    total, peak = map(int, done.stdout.split())
    assert total == 60 + 61 + 62 + 63
    assert peak < 8 << 20


def test_row_groups_of_an_export_are_pruned(tmp_path: Path, logdir: Path) -> None:
    tbtools.export(logdir, tmp_path / "out", tables=["scalars", "tags"])
    part = next((tmp_path / "out" / "scalars").iterdir())
    data = bytearray(part.read_bytes())
    with tbtools.open(tmp_path / "out") as logs:
        data[200:400] = bytes(200)  # pages, not the footer
        part.write_bytes(data)
        for run in ("nobody", "z"):
            assert logs.sql(f"SELECT * FROM scalars WHERE run = '{run}'").fetchall() == []
        assert logs.scalars.lazy().filter(pl.col("run") == "nobody").collect().height == 0
        with pytest.raises(tbtools.UsageError, match="is damaged: scalars: "):
            logs.scalars.to_table()


@pytest.mark.parametrize(
    "options",
    [
        {"run": "a"},
        {"run": ["[!a]", "zz"]},
        {"tag": "val/*"},
        {"tag": "?oss"},
        {"exclude_tag": ["*/*", "x"]},
        {"exclude_tag": "[lx]oss", "steps": "3:5"},
        {"steps": ":2", "run": "*"},
        {"tag": "loss", "run": "b", "steps": (28, None)},
    ],
)
def test_a_selection_means_the_same_of_an_export(
    logdir: Path, tmp_path: Path, options: dict[str, object]
) -> None:
    tbtools.export(logdir, tmp_path / "out")
    ours = tbtools.open(logdir, **options).scalars.to_polars(["run", "tag", "step"])
    theirs = tbtools.open(tmp_path / "out", **options).scalars.to_polars(["run", "tag", "step"])
    order = ["run", "tag", "step"]
    assert ours.height
    assert_frame_equal(ours.sort(order), theirs.sort(order))


@pytest.mark.parametrize("exported", [False, True])
def test_rows_without_a_tag_pass_a_filter_that_wants_them(tmp_path: Path, exported: bool) -> None:
    file = EventFile(tmp_path / "logs" / "events.tfevents").version().event(step=3)
    file.scalar("loss", 1, 0.5).value("odd", 2, "tensor", b"\xff", plugin="scalars")
    path = tmp_path / "logs"
    if exported:
        tbtools.export(path, tmp_path / "out")
        path = tmp_path / "out"
    with tbtools.open(path) as logs:
        for condition in (pl.col("tag").is_null(), pads.field("tag").is_null()):
            assert logs.events.to_table(filter=condition)["step"].to_pylist() == [3]
            assert logs.events.lazy().filter(pl.col("tag").is_null()).collect().height == 1
        assert logs.events.to_table(filter=pl.col("tag") == "loss").num_rows == 0


@pytest.mark.parametrize("columns", ["step", {"step": 1}])
def test_a_lazy_frame_takes_no_other_columns_than_a_table(logs: Logs, columns: object) -> None:
    with pytest.raises(tbtools.UsageError, match="columns are a list of names"):
        logs.scalars.lazy(columns=columns)


# --- datasets that are not whole -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda out: (out / "scalars" / "part-0.parquet").unlink(), "part-0.parquet cannot be"),
        (lambda out: (out / "scalars" / "part-0.parquet").write_bytes(b"PAR1"), "has 4 bytes, and"),
        (lambda out: (out / "scalars" / "part-0.parquet").write_bytes(
            bytes((out / "scalars" / "part-0.parquet").stat().st_size)), "is damaged: scalars: "),
        (lambda out: (out / "manifest.json").unlink(), "manifest.json is missing"),
        (lambda out: (out / "manifest.json").write_text("{"), "is not one of tbtools"),
        (lambda out: (out / "manifest.json").write_bytes(b"\xff\xfe"), "is not one of tbtools"),
        (lambda out: (out / "manifest.json").write_text(
            (out / "manifest.json").read_text()[:90]), "is not JSON, or only a part of it"),
        (lambda out: (out / "manifest.json").write_text('{"tbtools": "9", "format": "parquet"}'),
         "does not say what it should"),
        (lambda out: (out / "manifest.json").write_text('{"tbtools": "9", "layout": 99}'),
         "written by tbtools 9, in a layout that this version"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_dataset_is_one_line(
    logdir: Path, tmp_path: Path, change: object, message: str
) -> None:
    out = tmp_path / "out"
    tbtools.export(logdir, out, tables=["scalars"])
    change(out)
    with pytest.raises(tbtools.UsageError, match=message) as caught:
        tbtools.open(out)
    assert "\n" not in str(caught.value)


def test_a_manifest_of_somebody_else_does_not_make_a_dataset(logdir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    EventFile(folder / "events.tfevents").version().scalar("x", 1, 1.0)
    (folder / "manifest.json").write_text('{"name": "a page"}')
    assert tbtools.open(folder).scalars.count_rows() == 1
