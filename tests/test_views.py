"""Views: their formulas against plain ones, over tables made by hand."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_tables import logs_of

import tbtools
from tbtools.decode.kind import column, table
from tbtools.kinds import table_specs
from tbtools.logs import Logs
from tbtools.selection import Selection
from tbtools.tables.views import VIEWS, smooth

SCALARS = table_specs()["scalars"].schema
BUCKET = pa.struct([(name, pa.float64()) for name in ("left", "right", "count")])
HISTOGRAMS = table(
    "histograms",
    "",
    column("buckets", pa.list_(BUCKET), ""),
    *(column(name, pa.float64(), "") for name in ("min", "max", "num", "sum", "sum_squares")),
).schema

Point = tuple[str, str, int, float]  # run, tag, step, value

POINTS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from(["loss", "lr"]),
        st.integers(-5, 5),
        st.floats(-1e9, 1e9) | st.sampled_from([math.nan, math.inf, -math.inf, 0.5]),
    ),
    max_size=30,
)
CUTS = st.lists(st.integers(0, 30), max_size=4)


def logs_with(name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Logs:
    """Logs of one table."""
    held = list(batches)
    return logs_of(**{name: (schema, lambda _: held)})


def scalars(points: list[Point], cuts: Iterable[int] = ()) -> Logs:
    """Logs of these points, in batches that end at ``cuts``."""
    names = ("run", "tag", "step", "value")
    rows = [{**dict(zip(names, point, strict=True)), "wall_time": 0.0} for point in points]
    ends = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    batches = [
        pa.RecordBatch.from_pylist(rows[begin:end], schema=SCALARS) for begin, end in pairwise(ends)
    ]
    return logs_with("scalars", SCALARS, batches)


def same(one: float | None, other: float | None, tolerance: float = 0) -> bool:
    if one is None or other is None or math.isnan(one) or math.isnan(other):
        return repr(one) == repr(other)
    return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)


# --- stats ---------------------------------------------------------------------------------------


@given(points=POINTS, cuts=CUTS)
def test_stats_are_those_of_each_series(points: list[Point], cuts: list[int]) -> None:
    rows = scalars(points, cuts).view("stats").to_table().to_pylist()
    assert [(row["run"], row["tag"]) for row in rows] == list(
        dict.fromkeys(point[:2] for point in points)
    )
    for row in rows:
        steps, values = zip(
            *(point[2:] for point in points if point[:2] == (row["run"], row["tag"])), strict=True
        )
        pairs = [(value, step) for step, value in zip(steps, values, strict=True)]
        numbers = [(value, step) for value, step in pairs if not math.isnan(value)]
        assert row["n"] == len(values)
        assert same(row["first"], values[0])
        assert same(row["last"], values[-1])
        assert row["final_step"] == max(steps)
        assert same(row["final"], [value for value, step in pairs if step == max(steps)][-1])
        assert row["nans"] == len(pairs) - len(numbers)
        assert row["infs"] == sum(map(math.isinf, values))
        if not numbers:
            assert {row[name] for name in ("min", "max", "mean", "min_step", "max_step")} == {None}
            continue
        # min and max give the first of equal ones
        low, high = min(numbers, key=lambda each: each[0]), max(numbers, key=lambda each: each[0])
        assert (row["min"], row["min_step"], row["max"], row["max_step"]) == (*low, *high)
        finite = [value for value, _ in numbers]
        if any(map(math.isinf, finite)):
            assert not math.isfinite(row["mean"])
            assert row["std"] is None if len(finite) == 1 else math.isnan(row["std"])
            continue
        assert same(row["mean"], statistics.fmean(finite), 1e-6)
        expected = statistics.stdev(finite) if len(finite) > 1 else None
        assert same(row["std"], expected, 1e-6)


@given(value=st.floats(allow_nan=False, allow_infinity=False), cuts=CUTS)
def test_equal_values_have_that_mean_and_no_deviation(value: float, cuts: list[int]) -> None:
    (row,) = scalars([("a", "loss", 0, value)] * 7, cuts).view("stats").to_table().to_pylist()
    assert (row["mean"], row["std"]) == (value, 0)


def test_statistics_are_united_before_they_become_many(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [("a", "loss", step, float(step % 13)) for step in range(30)]
    once = scalars(points).view("stats").to_table().to_pylist()
    monkeypatch.setattr("tbtools.tables.views.statistics.MOST_WAITING", 2)
    again = scalars(points, range(0, 30, 3)).view("stats").to_table().to_pylist()
    assert once[0].pop("mean") == pytest.approx(again[0].pop("mean"))
    assert once[0].pop("std") == pytest.approx(again[0].pop("std"))
    assert once == again


# --- smoothed ------------------------------------------------------------------------------------


def smoothed_by_tensorboard(values: list[float], weight: float) -> list[float]:
    """``resmoothDataset`` of TensorBoard's vz_line_chart2/line-chart.ts, line by line."""
    last, count = 0.0, 0
    is_constant = all(value == values[0] for value in values)
    result = []
    for value in values:
        if is_constant or not math.isfinite(value):
            result.append(value)
        else:
            last = last * weight + (1 - weight) * value
            count += 1
            debias = 1.0 if weight == 1 else 1 - weight**count
            result.append(last / debias)
    return result


@given(points=POINTS, cuts=CUTS, weight=st.floats(0, 0.999))
def test_smoothing_is_that_of_tensorboard(
    points: list[Point], cuts: list[int], weight: float
) -> None:
    logs = scalars(points, cuts)
    rows = logs.view("smoothed", weight=weight).to_table().to_pylist()
    assert [repr((row["run"], row["tag"], row["step"], row["value"])) for row in rows] == [
        *map(repr, points)
    ]
    for series in {point[:2] for point in points}:
        of_series = [row for row in rows if (row["run"], row["tag"]) == series]
        expected = smoothed_by_tensorboard([row["value"] for row in of_series], weight)
        for row, average in zip(of_series, expected, strict=True):
            # The first value and others equal to it are kept to the last digit.
            assert same(row["smoothed"], average, 1e-9)


def test_smoothing_is_exact_once_values_vary() -> None:
    values = [math.sin(step) for step in range(1000)]
    points = [("a", "loss", step, value) for step, value in enumerate(values)]
    for weight in (0.0, 0.3, 0.6, 0.9, 0.99, 0.999):
        found = smooth(scalars(points, range(0, 1000, 77))["scalars"], weight).to_table()
        assert found["smoothed"].to_pylist()[1:] == smoothed_by_tensorboard(values, weight)[1:]


def test_a_constant_series_stays_as_it_is() -> None:
    logs = scalars([("a", "loss", step, 0.1) for step in range(50)], [20])
    assert set(logs.view("smoothed").to_table()["smoothed"].to_pylist()) == {0.1}


@pytest.mark.parametrize("weight", [-0.1, 1.0, 2.0, math.nan])
def test_a_weight_is_at_least_0_and_less_than_1(weight: float) -> None:
    with pytest.raises(tbtools.UsageError, match="no weight to smooth with"):
        scalars([]).view("smoothed", weight=weight)


# --- buckets of histograms -----------------------------------------------------------------------

BASIS_POINTS = (0, 668, 1587, 3085, 5000, 6915, 8413, 9332, 10000)

Bucket = tuple[float, float, float]


def compressed_by_tensorboard(buckets: list[Bucket]) -> list[float]:
    """``compress_histogram`` of TensorBoard's plugins/distribution/compressor.py, without numpy."""
    if not buckets:
        return [0.0 for _ in BASIS_POINTS]
    low, high = buckets[0][0], buckets[-1][1]
    total = sum(count for _, _, count in buckets) or 1.0
    weights, so_far = [], 0.0
    for _, _, count in buckets:
        so_far += count * BASIS_POINTS[-1] / total
        weights.append(so_far)
    result = []
    for point in BASIS_POINTS:
        bucket = next((i for i, weight in enumerate(weights) if weight > point), len(weights))
        while bucket < len(weights):
            before = weights[bucket - 1] if bucket > 0 else 0.0
            if weights[bucket] == before:
                bucket += 1
                continue
            left = max(buckets[bucket - 1][1], low) if bucket and before else low
            right = min(buckets[bucket][1], high)
            line = left + (point - before) * (right - left) / (weights[bucket] - before)
            result.append(line)
            break
        else:
            result.append(high)
    return result


@st.composite
def buckets(draw: st.DrawFn, max_size: int = 12) -> list[Bucket]:
    counts = draw(st.lists(st.integers(0, 50) | st.just(0), max_size=max_size))
    number = st.floats(-1e6, 1e6)
    edges = sorted(draw(st.lists(number, min_size=len(counts) + 1, max_size=len(counts) + 1)))
    return [(edges[i], edges[i + 1], float(count)) for i, count in enumerate(counts)]


def histograms(rows: Iterable[list[Bucket] | None], cut: int = 0, **given: float) -> Logs:
    """Logs of histograms; ``given`` is what the writer gave besides their buckets."""
    made = [
        {
            "run": "a",
            "tag": "weights",
            "step": step,
            "wall_time": 0.0,
            "buckets": row and [dict(zip(("left", "right", "count"), b, strict=True)) for b in row],
            **given,
        }
        for step, row in enumerate(rows)
    ]
    batch = pa.RecordBatch.from_pylist(made, schema=HISTOGRAMS)
    return logs_with("histograms", HISTOGRAMS, [batch[:cut], batch[cut:]])


def lines(logs: Logs) -> list[list[float]]:
    """The values of ``distributions``, nine for each histogram."""
    rows = logs.view("distributions").to_table()
    assert rows["basis_points"].to_pylist() == [*BASIS_POINTS] * (rows.num_rows // 9)
    values = rows["value"].to_pylist()
    return [values[begin : begin + 9] for begin in range(0, len(values), 9)]


@given(rows=st.lists(buckets(), max_size=5), cut=st.integers(0, 5))
def test_distributions_are_those_of_tensorboard_to_the_last_digit(
    rows: list[list[Bucket]], cut: int
) -> None:
    assert lines(histograms(rows, cut)) == [*map(compressed_by_tensorboard, rows)]


@given(row=buckets().filter(lambda row: any(count for _, _, count in row)))
def test_a_histogram_proto_has_its_minimum_and_maximum_as_outer_edges(row: list[Bucket]) -> None:
    filled = [index for index, (_, _, count) in enumerate(row) if count]
    inner = row[filled[0] : filled[-1] + 1]
    low, high = inner[0][0], inner[-1][1]
    huge = 1.7976931348623157e308
    written = [(-huge, row[0][0], 0.0), *row, (row[-1][1], huge, 0.0)]
    assert lines(histograms([written], min=low, max=high)) == [compressed_by_tensorboard(inner)]
    (stats,) = (
        histograms([written], min=low, max=high, num=4, sum=2)
        .view("histogram_stats")
        .to_table()
        .to_pylist()
    )
    assert (stats["min"], stats["max"], stats["mean"]) == (low, high, 0.5)


def test_histograms_that_count_nothing_have_lines_but_no_quantiles() -> None:
    logs = histograms([[], None, [(1.0, 2.0, 0.0)]])
    assert lines(logs) == [[0.0] * 9, [0.0] * 9, [2.0] * 9]
    for row in logs.view("histogram_stats").to_table().to_pylist():
        assert row["count"] == 0
        assert row["mean"] is row["p05"] is row["p50"] is row["p95"] is None


@given(row=buckets())
def test_odd_counts_and_edges_are_no_reason_to_fail(row: list[Bucket]) -> None:
    for odd in (math.nan, math.inf, -math.inf, -3.0, 1e308):
        for place in range(3):
            spoilt = [*row, (*(odd if place == i else 1.0 for i in range(3)),), *row]
            logs = histograms([spoilt])  # type: ignore[list-item]
            assert len(lines(logs)[0]) == 9
            assert logs.view("histogram_stats").to_table().num_rows == 1


def test_quantiles_lie_between_the_edges_of_their_bucket() -> None:
    (row,) = (
        histograms([[(0.0, 1.0, 10.0), (1.0, 3.0, 10.0)]])
        .view("histogram_stats")
        .to_table()
        .to_pylist()
    )
    told = {name: row[name] for name in row if name not in ("run", "tag", "step", "wall_time")}
    assert told == {
        "count": 20.0, "mean": 1.25, "min": 0.0, "p05": 0.1, "p25": 0.5, "p50": 1.0, "p75": 2.0,
        "p95": 2.8, "max": 3.0,
    }  # fmt: skip


# --- all of them ---------------------------------------------------------------------------------


def test_a_view_that_is_not_there_says_which_come_near() -> None:
    logs = scalars([])
    with pytest.raises(tbtools.UnknownNameError, match="no view is called 'stat'; nearest: stats"):
        logs.view("stat")
    with pytest.raises(tbtools.UnknownNameError, match="no view is called 'distributions'"):
        logs.view("distributions")
    with pytest.raises(tbtools.UsageError, match="takes no weight"):
        logs.view("stats", weight=0.5)


def test_views_of_no_rows_have_no_rows() -> None:
    for logs in (scalars([]), histograms([])):
        for name in VIEWS:
            if VIEWS[name][1] in logs:
                table = logs.view(name).to_table()
                assert table.num_rows == 0
                assert table.schema == VIEWS[name][0].schema


def test_views_take_filters_columns_and_polars() -> None:
    logs = scalars([("a", "loss", 1, 1.0), ("b", "loss", 1, 2.0), ("a", "loss", 2, 3.0)])
    stats = logs.view("stats")
    assert stats.to_table(["max", "run"]).to_pylist() == [
        {"max": 3.0, "run": "a"}, {"max": 2.0, "run": "b"},
    ]  # fmt: skip
    import polars as pl

    assert stats.lazy().filter(pl.col("run") == "b").select("n").collect().item() == 1


def test_a_filter_on_run_and_tag_saves_reading_the_others() -> None:
    asked: list[Any] = []

    def source(selection: Selection) -> Iterator[pa.RecordBatch]:
        asked.append(selection.wants_runs(["a", "b"]) if selection.filter else None)
        yield from ()

    logs = logs_of(scalars=(SCALARS, source))
    for name in ("stats", "smoothed"):
        logs.query(f"FROM {name} WHERE run = 'b'").fetchall()
    assert asked == [[False, True]] * 2
    logs.close()
