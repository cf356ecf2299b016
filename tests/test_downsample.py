"""Fewer points of the same shape: what stays, of which tables, and where it goes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import thinning_oracle
from event_writing import EventFile
from hypothesis import given
from hypothesis import strategies as st

import tbtools
from tbtools.cli import app
from tbtools.tables.views.thinning import METHODS, Thinning

DATA = Path(__file__).parent / "data"
CHOOSING = [method for method in METHODS if method != "mean"]


def series(values: list[float], first: int = 0, run: str = "r", tag: str = "t") -> pa.Table:
    """Scalars of one tag."""
    count = len(values)
    return pa.table(
        {
            "run": pa.array([run] * count, pa.string()),
            "tag": pa.array([tag] * count, pa.string()),
            "step": pa.array(range(first, first + count), pa.int64()),
            "wall_time": pa.array([1.7e9 + number for number in range(count)], pa.float64()),
            "value": pa.array(values, pa.float64()),
        }
    )


def left(values: list[float], points: int, method: str) -> list[int]:
    """The steps of the points that stay; those of ``series`` are the indices of the values."""
    made = tbtools.downsample(series(values), points=points, method=method)
    steps: list[int] = made["step"].to_pylist()
    return steps


numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200)
odd_numbers = st.lists(
    st.one_of(st.floats(-10, 10), st.sampled_from([math.nan, math.inf, -math.inf])), max_size=120
)


@given(numbers, st.integers(6, 60), st.sampled_from(CHOOSING))
def test_what_stays_is_some_of_the_points_in_their_order(
    values: list[float], points: int, method: str
) -> None:
    made = tbtools.downsample(series(values), points=points, method=method)
    steps = made["step"].to_pylist()
    assert len(steps) <= points
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (0, len(values) - 1)
    assert made.equals(series(values).take(pa.array(steps, pa.int64())))
    if len(values) <= points:
        assert len(steps) == len(values)
    assert left(values, points, method) == steps


@given(numbers, st.integers(6, 60), st.sampled_from(["m4", "minmax"]))
def test_no_spike_is_lost(values: list[float], points: int, method: str) -> None:
    kept = [values[step] for step in left(values, points, method)]
    assert (min(kept), max(kept)) == (min(values), max(values))


@given(numbers, st.integers(6, 60))
def test_lttb_is_the_published_one(values: list[float], points: int) -> None:
    assert left(values, points, "lttb") == thinning_oracle.lttb(range(len(values)), values, points)


def test_lttb_of_a_wave_with_a_spike() -> None:
    values = [math.sin(number / 20) for number in range(5000)]
    values[3333] = 9.0
    steps = left(values, 100, "lttb")
    assert steps == thinning_oracle.lttb(range(5000), values, 100)
    assert 3333 in steps


@pytest.mark.parametrize("first", [2**53 + 1, 2**62 + 7, -(2**63), 2**63 - 1000])
@pytest.mark.parametrize("method", METHODS)
def test_steps_that_no_double_holds_are_as_good_as_others(method: str, first: int) -> None:
    values = [math.sin(number * number) for number in range(1000)]
    near, far = (
        tbtools.downsample(series(values, begin), points=60, method=method) for begin in (0, first)
    )
    assert [step + first for step in near["step"].to_pylist()] == far["step"].to_pylist()
    assert near.drop_columns("step").equals(far.drop_columns("step"))


def test_lttb_of_steps_that_are_as_far_apart_as_they_can_be() -> None:
    values = [math.sin(number) for number in range(100)]
    steps = [-(2**63) + number * ((2**64 - 1) // 99) for number in range(100)]
    rows = series(values).set_column(2, "step", pa.array(steps, pa.int64()))
    made = tbtools.downsample(rows, points=20, method="lttb")
    chosen = thinning_oracle.lttb(range(100), values, 20)  # evenly spaced, as these are
    assert [steps.index(step) for step in made["step"].to_pylist()] == chosen


@given(odd_numbers, st.integers(6, 40), st.sampled_from(CHOOSING))
@pytest.mark.filterwarnings("ignore:.*NaN or infinite")
def test_of_what_is_no_number_a_quarter_may_stay_and_the_rest_is_told(
    values: list[float], points: int, method: str
) -> None:
    steps = left(values, points, method)
    odd = [number for number, value in enumerate(values) if not math.isfinite(value)]
    kept = [step for step in steps if not math.isfinite(values[step])]
    assert len(steps) <= points
    assert len(kept) >= min(len(odd), points // 4, 2)
    if odd:
        assert (kept[0], kept[-1]) == (odd[0], odd[-1])
    finite = [value for value in values if math.isfinite(value)]
    if method in ("m4", "minmax") and len(finite) > 1:
        shown = [values[step] for step in steps if math.isfinite(values[step])]
        assert max(shown) == max(finite)


def test_a_value_that_is_no_number_hides_none_before_it() -> None:
    values = [-math.inf, 0.5, math.inf, math.nan, -1.0, 0.0, math.nan, 0.25, 0.5, -1.0, -7.5]
    with pytest.warns(UserWarning, match="2 values"):
        assert left(values, 8, "m4") == [0, 1, 6, 10]


def test_values_that_are_left_out_and_no_numbers_are_warned_of() -> None:
    values = [math.nan] * 50 + [1.0] * 50
    with pytest.warns(UserWarning, match="values that are NaN or infinite were left out"):
        tbtools.downsample(series(values), points=20)


@given(numbers, st.integers(6, 60))
def test_means_are_between_the_extremes_of_what_they_are_of(
    values: list[float], points: int
) -> None:
    made = tbtools.downsample(series(values), points=points, method="mean")
    assert made.num_rows <= points
    assert pc.min(made["value"]).as_py() >= min(values)
    assert pc.max(made["value"]).as_py() <= max(values)
    steps = made["step"].to_pylist()
    assert steps == sorted(steps)


def test_a_mean_is_that_of_its_bucket() -> None:
    made = tbtools.downsample(series([0.0, *range(1, 41), 50.0]), points=6, method="mean")
    assert made["value"].to_pylist() == [0.0, 5.5, 15.5, 25.5, 35.5, 50.0]
    assert made["wall_time"].to_pylist()[1] == 1.7e9 + 5.5


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    """Two runs of two tags, one of which has more points than stay, and histograms."""
    for run, count in (("a", 500), ("b", 50)):
        file = EventFile(tmp_path / "logs" / run / "tfevents").version()
        for step in range(count):
            file.scalars(step, {"loss": math.sin(step / 9), "lr": 1 / (step + 1)})
        for step in range(count // 5):
            file.value("weights", step, "obsolete_old_style_histogram", b"%d" % step)
    return tmp_path / "logs"


def counted(rows: pa.Table) -> dict[tuple[str, str], int]:
    """Rows by run and tag."""
    labels = zip(
        *(rows[name].cast(pa.string()).to_pylist() for name in ("run", "tag")), strict=True
    )
    found: dict[tuple[str, str], int] = {}
    for label in labels:
        found[label] = found.get(label, 0) + 1
    return found


def test_each_run_and_tag_is_thinned_by_itself(logdir: Path) -> None:
    made = tbtools.downsample(logdir, points=100, method="lttb")
    assert counted(made) == {
        ("a", "loss"): 100, ("a", "lr"): 100, ("b", "loss"): 50, ("b", "lr"): 50
    }  # fmt: skip
    logs = tbtools.open(logdir)
    assert logs.downsample(points=100, method="lttb").equals(made)
    assert tbtools.downsample(logs.scalars, points=100, method="lttb").equals(made)
    some = tbtools.downsample(logdir, points=100, method="lttb", run="a", tag="loss")
    assert counted(some) == {("a", "loss"): 100}


def test_a_new_logdir_has_what_stays(logdir: Path, tmp_path: Path) -> None:
    done = tbtools.downsample(logdir, tmp_path / "out", points=100, method="lttb", exact=True)
    assert (done.before["scalars"], done.rows["scalars"], done.rounded) == (1100, 300, 0)
    written = tbtools.open(tmp_path / "out").scalars.to_table()
    expected = tbtools.downsample(logdir, points=100, method="lttb")
    keys = ["run", "tag", "step", "wall_time", "value"]
    assert sorted(map(str, written.select(keys).to_pylist())) == sorted(
        map(str, expected.select(keys).to_pylist())
    )
    with pytest.raises(tbtools.TargetExistsError):
        tbtools.downsample(logdir, tmp_path / "out", points=100)
    with pytest.raises(tbtools.UsageError, match="lies in the logdir"):
        tbtools.downsample(logdir, logdir / "below", points=100)


def test_a_dataset_has_what_stays(logdir: Path, tmp_path: Path) -> None:
    done = tbtools.downsample(logdir, tmp_path / "out", points=100, method="lttb", format="parquet")
    assert done.rows["scalars"] == 300
    assert counted(tbtools.open(tmp_path / "out").scalars.to_table())["a", "loss"] == 100


@pytest.mark.parametrize("method", ["stride", "reservoir"])
def test_what_is_no_scalar_is_thinned_by_events(method: str) -> None:
    before = tbtools.open(DATA / "tf2").histograms.to_table()
    made = tbtools.downsample(DATA / "tf2", points=6, method=method, tables=["histograms"])
    assert 0 < made.num_rows <= before.num_rows
    assert all(count <= 6 for count in counted(made).values())
    kept = set(map(str, before.to_pylist()))
    assert all(str(row) in kept for row in made.to_pylist())


@pytest.mark.parametrize("name", ["torch", "tf1", "tf2", "tensorboardx"])
def test_golden_logs_keep_everything_if_there_is_room(tmp_path: Path, name: str) -> None:
    tbtools.downsample(DATA / name, tmp_path / "out", points=100_000, exact=True)
    assert tbtools.diff(DATA / name, tmp_path / "out", tables=["scalars"]).equal


def test_any_frame_with_steps_and_values_is_taken() -> None:
    frame = pl.DataFrame({"step": range(1000), "value": [1.0 * (n % 7) for n in range(1000)],
                          "note": [f"n{n}" for n in range(1000)]})  # fmt: skip
    made = tbtools.downsample(frame, points=50, method="lttb")
    assert made.schema.names == ["step", "value", "note"]
    assert made["note"].to_pylist() == [f"n{step}" for step in made["step"].to_pylist()]
    wide = pl.DataFrame({"step": range(1000), "loss": [0.5] * 1000, "acc": [0.25] * 1000})
    tags = tbtools.downsample(wide, points=50, method="stride")["tag"].cast(pa.string())
    assert Counter(tags.to_pylist()) == {"loss": 50, "acc": 50}


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("FROM downsample('loss', 60, method := 'stride')", 110),
        ("FROM downsample('loss', 60, 'lttb') WHERE run = 'a'", 60),
        ("FROM downsample(points := 60, method := 'lttb')", 220),
        ("SELECT * FROM downsample('nothing', 60)", 0),
    ],
)
def test_sql_has_a_table_function(logdir: Path, sql: str, rows: int) -> None:
    found = tbtools.open(logdir).query(sql).to_arrow_table()
    assert found.schema.names == ["run", "tag", "step", "wall_time", "value"]
    assert found.num_rows == rows


def test_sql_says_that_arguments_are_plain_values(logdir: Path) -> None:
    with pytest.raises(tbtools.QueryError, match="plain values"):
        tbtools.open(logdir).query("FROM downsample('loss', 50 + 10)").fetchall()
    with pytest.raises(tbtools.UsageError, match="too few"):
        tbtools.open(logdir).query("FROM downsample('loss', 1)")
    with pytest.raises(tbtools.UnknownNameError, match="nearest: lttb"):
        tbtools.open(logdir).query("FROM downsample('loss', 10, 'ltb')")


def test_the_command_says_how_much_stayed(
    logdir: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as end:
        app(["downsample", str(logdir), "-o", str(out), "--points", "100", "--method", "lttb"])
    assert end.value.code in (0, 3)
    assert "scalars: 300 of 1,100 rows" in capfd.readouterr().err
    assert counted(tbtools.open(out).scalars.to_table())["b", "lr"] == 50


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"points": 5}, "5 points are too few"),
        ({"points": 100, "method": "ltb"}, "nearest: lttb"),
        ({"points": 100, "tables": ["runs"]}, "has no points"),
        ({"points": 100, "tables": ["scalrs"]}, "nearest: scalars"),
        ({"points": 100, "tables": ["graph_nodes"]}, "has no points"),
    ],
)
def test_mistakes_are_told(logdir: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(tbtools.UsageError, match=message):
        tbtools.downsample(logdir, **options)


def batches() -> Iterator[pa.RecordBatch]:
    """Rows of two tags in turn, some at a time."""
    for first in range(0, 3000, 7):
        steps = range(first, first + 7)
        for tag in "xy":
            yield from series([math.sin(s / 50) for s in steps], first, tag=tag).to_batches()


@pytest.mark.parametrize("method", METHODS)
def test_how_rows_are_cut_into_batches_does_not_matter(method: str) -> None:
    rows = pa.Table.from_batches(batches())
    cut = tbtools.downsample(rows, points=40, method=method)
    whole = tbtools.downsample(rows.combine_chunks(), points=40, method=method)
    for tag in "xy":
        of_tag = [
            each.filter(pc.equal(each["tag"].cast(pa.string()), tag)).to_pylist()
            for each in (cut, whole)
        ]
        assert of_tag[0] == of_tag[1]
        assert len(of_tag[0]) <= 40


def test_means_of_steps_that_are_as_far_apart_as_they_can_be() -> None:
    far = [-(2**63), *[2**63 - 1] * 98, 2**63 - 1]
    rows = series([1.0] * 100).set_column(2, "step", pa.array(far, pa.int64()))
    steps = tbtools.downsample(rows, points=6, method="mean")["step"].to_pylist()
    assert (steps[0], steps[-1]) == (far[0], far[-1])
    assert all(step > 0 for step in steps[1:])


@pytest.mark.parametrize("sizes", [(50, 40), (40, 50)])
def test_rows_that_change_between_two_readings_are_told(sizes: tuple[int, int]) -> None:
    readings = iter(series([1.0] * size) for size in sizes)
    thinning = Thinning(10, "m4")
    made = thinning.scalars(
        lambda names: next(readings).select(names).to_batches(), series([]).schema
    )
    with pytest.raises(tbtools.DamageError, match="changed between two readings"):
        list(made)
