"""The library: tables, pushed-down filters, selection, order, metadata, health."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as pads
import pytest
from event_writing import EventFile, summary_metadata, tensor

import tbtools
from tbtools.kinds import table_specs


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    """Runs a, b and b/c with the tags loss and lr, five steps each."""
    for run in ("a", "b", "b/c"):
        file = EventFile(tmp_path / run / "events.tfevents.1").version()
        for step in range(5):
            file.scalar("loss", step, step + 0.5).scalar("lr", step, 0.25)
    return tmp_path


def rows(table: Any, *names: str) -> list[tuple[Any, ...]]:
    """Columns of a table as tuples."""
    data = table.to_table() if hasattr(table, "to_table") else table
    return list(zip(*(data[name].to_pylist() for name in names), strict=True))


def test_rows_come_run_by_run_in_the_order_in_which_they_were_written(logdir: Path) -> None:
    found = rows(tbtools.open(logdir).scalars, "run", "tag", "step", "value")
    expected = [
        (run, tag, step, step + 0.5 if tag == "loss" else 0.25)
        for run in ("a", "b", "b/c")
        for step in range(5)
        for tag in ("loss", "lr")
    ]
    assert found == expected


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_order_does_not_depend_on_threads(tmp_path: Path, threads: int) -> None:
    for run in range(30):
        for number in range(3):
            file = EventFile(tmp_path / f"{run:02}" / f"tfevents.{number}")
            for step in range(run):
                file.scalar("x", step, number)
    found = rows(tbtools.open(tmp_path, threads=threads).scalars, "run", "value", "step")
    assert found == sorted(found)
    assert len(found) == 3 * sum(range(30))


def test_all_ways_out_give_the_same(logdir: Path) -> None:
    scalars = tbtools.open(logdir).scalars
    table = scalars.to_table()
    assert table.schema.equals(scalars.schema)
    assert scalars.to_reader().read_all().num_rows == 30
    assert scalars.to_pandas()["value"].tolist() == table["value"].to_pylist()
    assert scalars.to_polars()["tag"].to_list() == table["tag"].to_pylist()
    assert scalars.lazy().collect().equals(scalars.to_polars())
    assert scalars.head(3)["step"].to_pylist() == [0, 0, 1]
    assert scalars.count_rows() == 30
    assert sum(batch.num_rows for batch in scalars.to_batches(columns=["step"])) == 30


FILTERS = [
    "tag = 'loss'",
    "tag IN ('lr', 'none') AND run <> 'a'",
    "run = 'b' OR step > 3",
    "run = 'nowhere'",
    "tag LIKE '%o%' AND step BETWEEN 1 AND 2",
    "value > 2 AND tag >= 'lo'",
    "tag IS NULL",
    "NOT tag = 'loss'",
]


@pytest.mark.parametrize("condition", FILTERS)
def test_duckdb_gets_what_it_would_get_from_a_table(logdir: Path, condition: str) -> None:
    logs = tbtools.open(logdir)
    whole = logs.scalars.to_table()
    sql = f"SELECT run, tag, step, value FROM {{}} WHERE {condition} ORDER BY ALL"
    with duckdb.connect() as connection:
        connection.register("whole", whole)
        expected = connection.execute(sql.format("whole")).fetchall()
    assert logs.query(sql.format("scalars")).fetchall() == expected


@pytest.mark.parametrize(
    "predicate",
    [
        pl.col("tag") == "loss",
        (pl.col("tag") == "lr") & (pl.col("step") > 2) & pl.col("run").str.starts_with("b"),
        pl.col("run").is_in(["a", "b/c"]) | (pl.col("value") < 1),
        pl.col("tag").str.contains("o") & (pl.col("run") != "a"),
    ],
)
def test_polars_gets_what_it_would_get_from_a_frame(logdir: Path, predicate: pl.Expr) -> None:
    scalars = tbtools.open(logdir).scalars
    expected = scalars.to_polars().filter(predicate)
    assert scalars.lazy().filter(predicate).collect().equals(expected)
    assert (
        scalars.lazy()
        .filter(predicate)
        .select("step")
        .head(2)
        .collect()
        .equals(expected.select("step").head(2))
    )


def test_pyarrow_filters_are_applied_exactly(logdir: Path) -> None:
    scalars = tbtools.open(logdir).scalars
    condition = (pads.field("tag") == "loss") & (pads.field("value") > 3)
    found = scalars.to_table(columns=["step"], filter=condition)
    assert found["step"].to_pylist() == [3, 4] * 3


def test_nan_is_a_number_to_duckdb_as_it_says(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents").scalar("x", 0, math.nan).scalar("x", 1, math.inf)
    file.scalar("x", 2, -math.inf).scalar("x", 3, 1.0)
    logs = tbtools.open(tmp_path)
    assert logs.query("SELECT step FROM scalars WHERE value > 0.5").fetchall() == [(0,), (1,), (3,)]
    assert logs.query("SELECT count(*) FROM scalars WHERE isnan(value)").fetchall() == [(1,)]


def test_a_filter_on_run_opens_no_other_file(logdir: Path) -> None:
    logs = tbtools.open(logdir)
    assert len(logs.query("SELECT * FROM scalars WHERE run = 'b'").fetchall()) == 10
    assert [health.run for health in logs.health] == ["b"]
    logs = tbtools.open(logdir)
    assert logs.scalars.lazy().filter(pl.col("run").str.ends_with("c")).collect().height == 10
    assert [health.run for health in logs.health] == ["b/c"]


def test_only_tables_that_a_statement_names_are_read(logdir: Path) -> None:
    logs = tbtools.open(logdir)
    assert logs.query("SHOW TABLES").fetchall()
    assert logs.query("DESCRIBE scalars").fetchall()[0][0] == "run"
    assert logs.health == []


def test_a_filter_on_tag_passes_over_large_records(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents").scalar("loss", 0, 1.0)
    for step in range(20):
        file.value("picture", step, "image", bytes(300_000)).scalar("loss", step, 1.0)
    logs = tbtools.open(tmp_path)
    assert logs.query("SELECT count(*) FROM scalars WHERE tag = 'loss'").fetchall() == [(21,)]
    assert logs.health[0].unread_bytes > 4_000_000


def test_a_query_may_stop_early(logdir: Path) -> None:
    logs = tbtools.open(logdir)
    assert logs.query("SELECT run FROM scalars LIMIT 1").fetchall() == [("a",)]
    logs.close()


def test_runs_tags_and_steps_are_selected(logdir: Path) -> None:
    logs = tbtools.open(logdir, run="b*", tag=["l*"], exclude_tag="lr", steps="1:3")
    assert rows(logs.scalars, "run", "tag", "step") == [
        (run, "loss", step) for run in ("b", "b/c") for step in (1, 2)
    ]
    assert rows(logs.tags, "run", "tag") == [("b", "loss"), ("b/c", "loss")]
    assert rows(tbtools.open(logdir, run="a", steps=(None, 1)).scalars, "step") == [(0,), (0,)]


def test_the_nearest_names_are_told(logdir: Path) -> None:
    logs = tbtools.open(logdir)
    with pytest.raises(tbtools.UnknownNameError, match="nearest: scalars"):
        logs["scalar"]
    with pytest.raises(AttributeError, match="nearest: scalars"):
        logs.scalar  # noqa: B018 - the access is what is tested
    with pytest.raises(tbtools.QueryError, match="'scalrs'; nearest: scalars"):
        logs.query("SELECT * FROM scalrs")
    with pytest.raises(tbtools.QueryError, match="'vlaue'; nearest: value"):
        logs.query("SELECT vlaue FROM scalars")
    with pytest.raises(tbtools.NothingFoundError, match="nearest: b/c"):
        tbtools.open(logdir, run="b/d")
    with pytest.raises(tbtools.UnknownNameError, match="nearest: latest"):
        tbtools.open(logdir, restarts="last")
    with pytest.raises(tbtools.UsageError, match="A:B"):
        tbtools.open(logdir, steps="5")


def test_metadata_that_comes_late_counts_for_the_whole_run(tmp_path: Path) -> None:
    first = EventFile(tmp_path / "tfevents.1").version()
    first.tensor_scalar("loss", 0, 0.5, plugin="").scalar("other", 0, 1.0)
    first.tensor_scalar("loss", 1, 0.25, plugin="").tensor_scalar("text", 1, 7.0, plugin="text")
    second = EventFile(tmp_path / "tfevents.2").version()
    metadata = summary_metadata("scalars", display_name="Loss", description="of it")
    second.value("loss", 2, "tensor", tensor("float32", [0.125]), metadata=metadata)
    second.tensor_scalar("text", 3, 8.0, plugin="")
    logs = tbtools.open(tmp_path)
    assert rows(logs.scalars, "tag", "step", "value") == [
        ("loss", 0, 0.5),
        ("other", 0, 1.0),
        ("loss", 1, 0.25),
        ("loss", 2, 0.125),
    ]
    tags = logs.tags.to_pandas().set_index("tag")
    assert tags.loc["loss", ["table", "plugin", "points"]].tolist() == ["scalars", "scalars", 3]
    assert tags.loc["loss", ["display_name", "description"]].tolist() == ["Loss", "of it"]
    assert tags.loc["text", "points"] == 2


def test_a_value_that_is_not_what_its_plugin_promises_becomes_an_event(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents").version()
    file.value("bad", 3, "tensor", tensor("float32", [1.0, 2.0], [2]), plugin="scalars")
    file.scalar("good", 4, 1.0)
    logs = tbtools.open(tmp_path)
    (event,) = logs.events.to_table().to_pylist()
    assert (event["tag"], event["plugin"], event["step"]) == ("bad", "scalars", 3)
    assert "not one number" in event["reason"]
    assert rows(logs.scalars, "tag") == [("good",)]
    assert logs.health[0].undecoded == 1
    assert logs.health[0].is_lossy


def test_what_no_table_claims_is_an_event_and_nothing_is_twice(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents").version().scalar("x", 1, 1.0)
    file.value("odd", 2, "obsolete_old_style_histogram", b"abc")
    file.event(b"", 3)
    logs = tbtools.open(tmp_path)
    found = rows(logs.events, "tag", "step", "field")
    assert found == [("odd", 2, "obsolete_old_style_histogram"), (None, 3, "none")]
    counts = {name: logs[name].count_rows() for name in table_specs()}
    assert sum(counts.values()) == 3


def test_a_damaged_file_is_told_in_health_and_files(logdir: Path) -> None:
    path = logdir / "b" / "events.tfevents.1"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    logs = tbtools.open(logdir)
    assert logs.scalars.count_rows() == 29
    (lossy,) = [health for health in logs.health if health.is_lossy]
    assert lossy.run == "b"
    files = logs.files.to_pandas().set_index("run")
    assert files["status"].to_dict() == {"a": "ok", "b": "damaged", "b/c": "ok"}
    assert "at offset" in files.loc["b", "first_error"]
    assert logs.runs.to_pandas().set_index("run")["damaged"].to_dict() == {"a": 0, "b": 1, "b/c": 0}


def test_fail_raises_out_of_a_table(logdir: Path) -> None:
    EventFile(logdir / "d" / "tfevents").scalar("x", 0, 1.0).scalar("x", 1, 1.0).flip(20)
    with pytest.raises(tbtools.DamageError, match="wrong data CRC at offset 0"):
        tbtools.open(logdir, on_damage="fail").scalars.to_table()


def test_runs_say_what_they_hold(logdir: Path) -> None:
    run = tbtools.open(logdir).runs.to_table().to_pylist()[0]
    assert (run["run"], run["files"], run["tags"], run["points"]) == ("a", 1, 2, 10)
    assert (run["first_step"], run["last_step"], run["segments"]) == (0, 4, 1)
    assert run["first_time"] < run["last_time"]
    assert run["tables"] == ["scalars"]


def test_a_relation_outlives_the_call_that_made_it(logdir: Path) -> None:
    relation = tbtools.query("SELECT count(*) FROM scalars", logdir)
    assert relation.fetchall() == [(30,)]


def test_progress_ends_at_the_size_of_the_files(logdir: Path) -> None:
    done: list[int] = []
    logs = tbtools.open(logdir, progress=done.append)
    logs.scalars.to_table()
    assert sum(done) == logs.total_bytes == sum(path.stat().st_size for path in logdir.rglob("*1"))


def test_batches_have_the_schema_that_is_promised(logdir: Path) -> None:
    logs = tbtools.open(logdir)
    for name in logs:
        for batch in logs[name].to_batches():
            assert batch.schema.equals(logs[name].schema), name
            batch.validate(full=True)
    assert isinstance(logs.scalars, pads.Dataset)
    assert pa.types.is_dictionary(logs.scalars.schema.field("run").type)


def test_a_filter_spares_rows_without_a_tag(tmp_path: Path) -> None:
    EventFile(tmp_path / "r" / "tfevents").scalar("x", 1, 1.0).event(b"", 3)
    logs = tbtools.open(tmp_path)
    for condition in ("field = 'none'", "run = 'r'", "tag IS NULL", "tag IS NULL OR tag = 'x'"):
        found = logs.query(f"SELECT step FROM events WHERE {condition}").fetchall()
        assert found == [(3,)], condition
    assert logs.query("SELECT step FROM events WHERE tag = 'x'").fetchall() == []
    assert tbtools.open(tmp_path, tag="*").events.count_rows() == 0


def test_a_filter_on_tags_spares_tables_without_tags(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents").version()
    for step in range(40_000):
        file.scalar(f"t{step % 3}", step, 1.0)
        if step % 20_000 == 0:
            file.session_start(step)
    logs = tbtools.open(tmp_path, tag="t1")
    assert logs["messages"].count_rows() == 2
    assert logs.scalars.count_rows() == 13_333
